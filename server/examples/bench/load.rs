//! A small load generator: connections that are kept, each with one request at a time. It writes
//! and reads the bytes itself, so that most of the machine is left to the server.

use std::{
    fmt,
    time::{Duration, Instant},
};

use futures::future::try_join_all;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinHandle,
};

use crate::{Failure, member};

/// The largest answer that is read.
const LARGEST: usize = 1 << 20;

/// One request as it goes over the wire.
#[derive(Clone)]
pub struct Request(Vec<u8>);

/// One connection to the server.
pub struct Connection {
    stream: TcpStream,
    /// What was read last.
    answer: Vec<u8>,
}

/// Requests answered, the time that it took, and how long each waited.
pub struct Rate {
    /// How many.
    pub count: u64,
    /// How long.
    pub time: Duration,
    /// How long each request took, in order of length.
    waits: Vec<Duration>,
}

impl Rate {
    /// Of what each connection waited.
    pub fn new(waits: &[Vec<Duration>], time: Duration) -> Self {
        let mut waits = waits.concat();
        waits.sort_unstable();
        Self { count: waits.len() as u64, time, waits }
    }

    /// Answers a second.
    #[allow(clippy::cast_precision_loss)]
    pub fn a_second(&self) -> f64 {
        self.count as f64 / self.time.as_secs_f64()
    }

    /// This many of a thousand requests were answered within this time.
    pub fn within(&self, of_a_thousand: usize) -> Duration {
        let last = self.waits.len().saturating_sub(1);
        self.waits.get(last * of_a_thousand / 1000).copied().unwrap_or_default()
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
        Ok(Self { stream, answer: Vec::with_capacity(8192) })
    }

    /// Sends a request and reads the answer, which must be 200.
    pub async fn ask(&mut self, request: &Request) -> Result<&[u8], Failure> {
        self.stream.write_all(&request.0).await?;
        self.answer.clear();
        let head = loop {
            self.read().await?;
            if let Some(end) = self.answer.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
        };
        match content_length(&self.answer[..head]) {
            Some(length) => {
                while self.answer.len() < head + length {
                    self.read().await?;
                }
            }
            // In chunks, as a page is sent that is rendered piece by piece: the last chunk is
            // empty.
            None => {
                while !self.answer.ends_with(b"\r\n0\r\n\r\n") {
                    self.read().await?;
                }
            }
        }
        if self.answer.starts_with(b"HTTP/1.1 20") {
            Ok(&self.answer[head..])
        } else {
            // Without the version of HTTP.
            Err(String::from_utf8_lossy(&self.answer[9.min(head)..]).into_owned().into())
        }
    }

    /// The same for an answer in JSON.
    pub async fn ask_json(&mut self, request: &Request) -> Result<Value, Failure> {
        Ok(serde_json::from_slice(self.ask(request).await?)?)
    }

    async fn read(&mut self) -> Result<(), Failure> {
        let read = self.stream.read_buf(&mut self.answer).await?;
        if read == 0 || self.answer.len() > LARGEST {
            return Err("the connection was closed, or the answer is too long".into());
        }
        Ok(())
    }
}

fn content_length(head: &[u8]) -> Option<usize> {
    let is_it =
        |line: &&[u8]| line.len() > 15 && line[..15].eq_ignore_ascii_case(b"content-length:");
    let line = head.split(|byte| *byte == b'\n').find(is_it)?;
    std::str::from_utf8(&line[15..]).ok()?.trim().parse().ok()
}

/// A GET request.
pub fn get(path: &str, authorization: Option<&str>) -> Request {
    let authorization =
        authorization.map(|value| format!("Authorization: {value}\r\n")).unwrap_or_default();
    Request(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{authorization}\r\n").into_bytes())
}

/// A form.
pub fn post(path: &str, form: &str) -> Request {
    let length = form.len();
    Request(
        format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {length}\r\n\r\n{form}"
        )
        .into_bytes(),
    )
}

/// Sends the request on this many connections for so long, one after the other on each.
pub async fn repeat(
    address: &str,
    connections: usize,
    lasting: Duration,
    request: &Request,
) -> Result<Rate, Failure> {
    let mut opened = try_join_all((0..connections).map(|_| Connection::open(address))).await?;
    // The first answer may fill a cache.
    for connection in &mut opened {
        connection.ask(request).await?;
    }
    let began = Instant::now();
    let tasks = opened.into_iter().map(|mut connection| {
        let request = request.clone();
        tokio::spawn(async move {
            let mut waits = Vec::new();
            while began.elapsed() < lasting {
                let asked = Instant::now();
                connection.ask(&request).await?;
                waits.push(asked.elapsed());
            }
            Ok(waits)
        })
    });
    let waits = all(tasks.collect()).await?;
    Ok(Rate::new(&waits, began.elapsed()))
}

/// How a client refreshes its tokens.
#[derive(Clone, Copy)]
pub struct Refresh {
    /// Path of the token endpoint.
    pub path: &'static str,
    /// The client, by `client_secret_post` with the word secret.
    pub client_id: &'static str,
}

impl Refresh {
    /// Uses a refresh token for the next one.
    pub async fn next(self, connection: &mut Connection, token: &str) -> Result<String, Failure> {
        let client_id = self.client_id;
        let form = format!(
            "grant_type=refresh_token&client_id={client_id}&client_secret=secret\
             &refresh_token={token}"
        );
        member(&connection.ask_json(&post(self.path, &form)).await?, "refresh_token")
    }
}

/// Uses each refresh token for the next one, a connection for each, and returns the last ones.
pub async fn rotate(
    address: &str,
    refresh: Refresh,
    refresh_tokens: Vec<String>,
    lasting: Duration,
) -> Result<(Rate, Vec<String>), Failure> {
    let opened = try_join_all(refresh_tokens.iter().map(|_| Connection::open(address))).await?;
    let began = Instant::now();
    let tasks = opened.into_iter().zip(refresh_tokens).map(|(mut connection, mut token)| {
        tokio::spawn(async move {
            let mut waits = Vec::new();
            while began.elapsed() < lasting {
                let asked = Instant::now();
                token = refresh.next(&mut connection, &token).await?;
                waits.push(asked.elapsed());
            }
            Ok((waits, token))
        })
    });
    let finished = all(tasks.collect()).await?;
    let time = began.elapsed();
    let (waits, tokens): (Vec<_>, _) = finished.into_iter().unzip();
    Ok((Rate::new(&waits, time), tokens))
}

/// What came of all tasks, or the first failure.
pub async fn all<T>(tasks: Vec<JoinHandle<Result<T, Failure>>>) -> Result<Vec<T>, Failure> {
    try_join_all(tasks).await?.into_iter().collect()
}
