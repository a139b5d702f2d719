//! The stream of a connection, which is counted and has a bounded share of the worker's thread.

use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use hyper_util::client::legacy::connect::{Connected, Connection};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::coop::consume_budget;
use tokio_rustls::client::TlsStream;

use super::health::Health;
use super::tls;

/// The cost of one read, in tokio's units, of which a task's turn has 128.
///
/// The task parses the bytes in the same turn, and a server may send bytes that take long to parse, such as incomplete heads.
const READ: usize = 16;

/// Counts the open connections.
#[derive(Clone, Default)]
pub(super) struct ConnectionCounter(Arc<AtomicUsize>);

/// A stream of bytes in both directions.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {
    /// Returns whether both sides agreed on HTTP/2.
    fn is_http2(&self) -> bool;
}

/// The stream of a connection that counts until it is dropped.
pub(super) struct CountedStream {
    stream: Box<dyn Duplex>,
    health: Health,
    counter: ConnectionCounter,
}

impl ConnectionCounter {
    /// Returns the number of open connections.
    pub(super) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts a connection until the returned stream is dropped.
    pub(super) fn track(&self, stream: impl Duplex + 'static) -> CountedStream {
        self.0.fetch_add(1, Ordering::Relaxed);
        CountedStream {
            stream: Box::new(stream),
            health: Health::default(),
            counter: self.clone(),
        }
    }
}

impl Drop for CountedStream {
    fn drop(&mut self) {
        self.counter.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl AsyncRead for CountedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))
            .inspect_err(|error| self.health.set_broken(error))?;
        if buffer.filled().len() > before {
            self.health.record_read();
            for _ in 1..READ {
                // The bytes are there, even if the budget is used up now.
                let _ = pin!(consume_budget()).poll(context);
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for CountedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

impl Connection for CountedStream {
    fn connected(&self) -> Connected {
        let connected = Connected::new().extra(self.health.clone());
        if self.stream.is_http2() {
            connected.negotiated_h2()
        } else {
            connected
        }
    }
}

impl Duplex for TcpStream {
    fn is_http2(&self) -> bool {
        false
    }
}

impl Duplex for TlsStream<TcpStream> {
    fn is_http2(&self) -> bool {
        self.get_ref().1.alpn_protocol() == Some(tls::HTTP_2)
    }
}
