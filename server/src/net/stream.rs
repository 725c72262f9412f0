//! A stream whose reader must keep reading.
//!
//! A client that asks and then does not read its answers would hold the connection, and what the
//! kernel buffers for it, for ever: hyper waits for such a reader without a timer.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

/// How long a reader may take.
#[derive(Debug, Clone, Copy)]
pub struct WriteLimits {
    /// A reader that takes no byte for this time is given up.
    pub stalled: Duration,
    /// A reader that is behind with its answers for this time is given up, however many bytes it
    /// takes meanwhile.
    pub behind: Duration,
}

/// Fails writing once its reader is too slow.
#[derive(Debug)]
pub struct TimedWrites<S> {
    stream: S,
    limits: WriteLimits,
    /// Since when the reader has not taken everything that it was sent.
    behind_since: Option<Instant>,
    /// Armed while a write waits.
    timer: Option<Pin<Box<Sleep>>>,
}

impl<S> TimedWrites<S> {
    /// Puts these limits on writes to this stream.
    pub fn new(stream: S, limits: WriteLimits) -> Self {
        Self { stream, limits, behind_since: None, timer: None }
    }

    /// Passes on what a write came to, unless the time is over.
    fn timed(
        &mut self,
        context: &mut Context<'_>,
        offered: usize,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(count)) => {
                self.timer = None;
                if count >= offered {
                    self.behind_since = None;
                } else {
                    self.behind_since.get_or_insert_with(Instant::now);
                }
                written
            }
            Poll::Ready(Err(_)) => written,
            Poll::Pending => {
                let (now, limits) = (Instant::now(), self.limits);
                let since = *self.behind_since.get_or_insert(now);
                let deadline = (now + limits.stalled).min(since + limits.behind);
                let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
                timer.as_mut().poll(context).map(|()| {
                    let problem = "the client does not read its answers";
                    Err(io::Error::new(io::ErrorKind::TimedOut, problem))
                })
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimedWrites<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimedWrites<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.timed(context, bytes.len(), written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let offered = slices.iter().map(|slice| slice.len()).sum();
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.timed(context, offered, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A socket has no buffer of its own to flush, so nothing waits here.
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    const LIMITS: WriteLimits =
        WriteLimits { stalled: Duration::from_secs(30), behind: Duration::from_mins(2) };

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_takes_nothing_is_given_up() {
        let (server, _client) = duplex(16);
        let began = Instant::now();
        let error = TimedWrites::new(server, LIMITS).write_all(&[0; 64]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(began.elapsed().as_secs(), 30);
    }

    /// A byte every 29 seconds never lets the first timer run out.
    #[tokio::test(start_paused = true)]
    async fn a_reader_that_only_drips_is_given_up_later() {
        let (server, mut client) = duplex(16);
        let reader = tokio::spawn(async move {
            let mut byte = [0];
            while client.read_exact(&mut byte).await.is_ok() {
                tokio::time::sleep(Duration::from_secs(29)).await;
            }
        });
        let began = Instant::now();
        let error = TimedWrites::new(server, LIMITS).write_all(&[0; 64]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!((119..=121).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
        reader.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_that_catches_up_is_served() {
        let (server, mut client) = duplex(16);
        let reader = tokio::spawn(async move {
            let mut all = Vec::new();
            let mut buffer = [0; 16];
            loop {
                tokio::time::sleep(Duration::from_secs(20)).await;
                match client.read(&mut buffer).await.unwrap() {
                    0 => return all.len(),
                    count => all.extend_from_slice(&buffer[..count]),
                }
            }
        });
        let mut stream = TimedWrites::new(server, LIMITS);
        for _ in 0..10 {
            stream.write_all(&[0; 64]).await.unwrap();
        }
        drop(stream);
        assert_eq!(reader.await.unwrap(), 640);
    }
}
