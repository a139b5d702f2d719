//! A connection as HTTP is spoken over it: with its share of the worker's thread, and counted.

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

/// How much of a task's turn reading takes up, in tokio's units, of which a turn has 128. What was read is looked at in the
/// same turn, and a server may send what takes long for its length, such as heads that are none yet.
const READ: usize = 16;

/// Counts the connections that there are.
#[derive(Clone, Default)]
pub struct Open(Arc<AtomicUsize>);

/// What bytes go through in both ways.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {
    /// Whether both sides agreed on HTTP/2.
    fn is_http2(&self) -> bool;
}

/// A connection.
pub struct Wire {
    stream: Box<dyn Duplex>,
    health: Health,
    open: Open,
}

impl Open {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// One more.
    pub fn wire(&self, stream: impl Duplex + 'static) -> Wire {
        self.0.fetch_add(1, Ordering::Relaxed);
        Wire {
            stream: Box::new(stream),
            health: Health::default(),
            open: self.clone(),
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.open.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))
            .inspect_err(|error| self.health.set_broken(error))?;
        if buffer.filled().len() > before {
            self.health.comes();
            for _ in 1..READ {
                // What was read is there, whether this was the last of the turn or not.
                let _ = pin!(consume_budget()).poll(context);
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
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

impl Connection for Wire {
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
