//! A small load generator: connections that are kept, each with one request at a time.

use std::{
    fmt,
    time::{Duration, Instant},
};

use axum::body::{Body, Bytes, to_bytes};
use futures::future::try_join_all;
use http::{
    Request,
    header::{AUTHORIZATION, CONTENT_TYPE, HOST},
};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::{Failure, member};

/// The largest answer that is read.
const LARGEST: usize = 1 << 20;

/// One connection to the server.
pub struct Connection(SendRequest<String>);

/// Requests answered, and the time that it took.
pub struct Rate {
    /// How many.
    pub count: u64,
    /// How long.
    pub time: Duration,
}

impl Rate {
    /// Answers a second.
    #[allow(clippy::cast_precision_loss)]
    pub fn a_second(&self) -> f64 {
        self.count as f64 / self.time.as_secs_f64()
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:>11.0}", self.a_second())
    }
}

impl Connection {
    /// Connects to `127.0.0.1:PORT`.
    pub async fn open(address: &str) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self(sender))
    }

    /// Sends a request and reads the answer, which must be 200.
    pub async fn ask(&mut self, request: Request<String>) -> Result<Bytes, Failure> {
        self.0.ready().await?;
        let response = self.0.send_request(request).await?;
        let status = response.status();
        let body = to_bytes(Body::new(response.into_body()), LARGEST).await?;
        if status.is_success() { Ok(body) } else { Err(format!("{status}: {}", String::from_utf8_lossy(&body)).into()) }
    }

    /// The same for an answer in JSON.
    pub async fn ask_json(&mut self, request: Request<String>) -> Result<Value, Failure> {
        Ok(serde_json::from_slice(&self.ask(request).await?)?)
    }
}

/// A GET request.
pub fn get(path: &str, authorization: Option<&str>) -> Request<String> {
    let request = Request::get(path).header(HOST, "localhost");
    let request = match authorization {
        Some(authorization) => request.header(AUTHORIZATION, authorization),
        None => request,
    };
    request.body(String::new()).unwrap_or_default()
}

/// A form.
pub fn post(path: &str, form: &str) -> Request<String> {
    let request =
        Request::post(path).header(HOST, "localhost").header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    request.body(form.to_owned()).unwrap_or_default()
}

/// Sends the request on so many connections for so long, one after the other on each.
pub async fn repeat(
    address: &str,
    connections: usize,
    lasting: Duration,
    request: &Request<String>,
) -> Result<Rate, Failure> {
    let mut opened = try_join_all((0..connections).map(|_| Connection::open(address))).await?;
    // The first answer may fill a cache.
    for connection in &mut opened {
        connection.ask(request.clone()).await?;
    }
    let began = Instant::now();
    let tasks = opened.into_iter().map(|mut connection| {
        let request = request.clone();
        tokio::spawn(async move {
            let mut count = 0;
            while began.elapsed() < lasting {
                connection.ask(request.clone()).await?;
                count += 1;
            }
            Ok::<u64, Failure>(count)
        })
    });
    let counts = try_join_all(tasks.collect::<Vec<_>>()).await?;
    let count = counts.into_iter().sum::<Result<u64, Failure>>()?;
    Ok(Rate { count, time: began.elapsed() })
}

/// Uses each refresh token for the next one, a connection for each, and returns the last ones.
pub async fn rotate(
    address: &str,
    refresh_tokens: Vec<String>,
    lasting: Duration,
) -> Result<(Rate, Vec<String>), Failure> {
    let opened = try_join_all(refresh_tokens.iter().map(|_| Connection::open(address))).await?;
    let began = Instant::now();
    let tasks = opened.into_iter().zip(refresh_tokens).map(|(mut connection, mut token)| {
        tokio::spawn(async move {
            let mut count = 0;
            while began.elapsed() < lasting {
                let form =
                    format!("grant_type=refresh_token&client_id=MyBackend&client_secret=secret&refresh_token={token}");
                token = member(&connection.ask_json(post("/connect/token", &form)).await?, "refresh_token")?;
                count += 1;
            }
            Ok::<_, Failure>((count, token))
        })
    });
    let finished = try_join_all(tasks.collect::<Vec<_>>()).await?;
    let time = began.elapsed();
    let finished: Vec<(u64, String)> = finished.into_iter().collect::<Result<_, _>>()?;
    let count = finished.iter().map(|(count, _)| count).sum();
    Ok((Rate { count, time }, finished.into_iter().map(|(_, token)| token).collect()))
}
