//! ureq's connection to the Runtime API, with half the system calls of ureq's own.
//!
//! ureq writes a request's head and body separately, and tests twice for each request whether an idle connection is open. This
//! transport writes a request at once, when the reply is awaited. It notices a dead connection when the connection is used: the
//! client knows which request can be sent again.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport,
};
use ureq::{Agent, Error};

use crate::runtime_api::Endpoint;
use crate::termination::Termination;

/// The value of the header `User-Agent`.
pub(super) const USER_AGENT: &str = concat!("lambda-wasm/", env!("CARGO_PKG_VERSION"));

/// How long an idle connection is kept: longer than Lambda keeps a frozen environment.
const IDLE: Duration = Duration::from_secs(24 * 60 * 60);

/// The sizes of ureq's buffers, in bytes. The head of a reply, and of a request, has to fit. The buffers are filled with zeros
/// when a connection is made. With ureq's default, twice 128 KiB, that is a third of the memory that a start touches. Lambda's
/// largest head has a client context of at most 3583 bytes.
const INPUT_BUFFER: usize = 32 * 1024;
const OUTPUT_BUFFER: usize = 8 * 1024;

/// The most bytes of a request that wait for each other. The rest of a larger request is written directly, so that a large body
/// is not held twice.
const COALESCED: usize = 64 * 1024;

/// The current request of a client, as the client and its connection know it.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    /// Whether a byte of the reply has been received.
    pub(super) replied: AtomicBool,
    /// Whether SIGTERM ends the wait for the first byte of the reply.
    pub(super) is_interruptible: AtomicBool,
    /// Receives SIGTERM. `None` for a client that sends no interruptible request.
    pub(super) termination: Option<Arc<Termination>>,
}

/// Creates an agent that connects to `endpoint`, without proxies and redirects. `limit` is how long it may take to connect, to
/// write, and to wait for a byte.
pub(super) fn agent(
    endpoint: Arc<Endpoint>,
    exchange: Arc<Exchange>,
    limit: Option<Duration>,
) -> Agent {
    let config = Config::builder()
        .proxy(None)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .max_idle_age(IDLE)
        .input_buffer_size(INPUT_BUFFER)
        .output_buffer_size(OUTPUT_BUFFER)
        .user_agent(USER_AGENT)
        .accept("")
        .accept_encoding("")
        .build();
    let resolver = Known(Arc::clone(&endpoint));
    let connector = RuntimeApiConnector {
        endpoint,
        exchange,
        limit,
    };
    Agent::with_parts(config, connector, resolver)
}

/// The addresses of the Runtime API, which need not be resolved.
#[derive(Debug)]
struct Known(Arc<Endpoint>);

impl Resolver for Known {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let mut addresses = self.empty();
        for address in &self.0.addresses {
            // The list is full: it has room for sixteen addresses.
            if addresses.try_push(*address).is_err() {
                break;
            }
        }
        Ok(addresses)
    }
}

#[derive(Debug)]
struct RuntimeApiConnector {
    endpoint: Arc<Endpoint>,
    exchange: Arc<Exchange>,
    limit: Option<Duration>,
}

impl Connector for RuntimeApiConnector {
    type Out = RuntimeApiConnection;

    fn connect(
        &self,
        details: &ConnectionDetails,
        _: Option<()>,
    ) -> Result<Option<Self::Out>, Error> {
        let stream = self.endpoint.connect(self.limit)?;
        stream.set_nodelay(true)?;
        Ok(Some(RuntimeApiConnection {
            stream,
            buffers: LazyBuffers::new(
                details.config.input_buffer_size(),
                details.config.output_buffer_size(),
            ),
            request: Vec::new(),
            exchange: Arc::clone(&self.exchange),
        }))
    }
}

struct RuntimeApiConnection {
    stream: TcpStream,
    buffers: LazyBuffers,
    request: Vec<u8>,
    exchange: Arc<Exchange>,
}

impl std::fmt::Debug for RuntimeApiConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RuntimeApiConnection")
            .field("stream", &self.stream)
            .finish_non_exhaustive()
    }
}

impl RuntimeApiConnection {
    fn write_request(&mut self) -> io::Result<()> {
        let written = self.stream.write_all(&self.request);
        self.request.clear();
        self.request.shrink_to(COALESCED);
        written
    }

    /// Waits for the first byte of a reply.
    ///
    /// # Errors
    ///
    /// Returns an error if SIGTERM is received before the byte.
    fn await_reply(&self) -> io::Result<()> {
        let exchange = &self.exchange;
        let waits = exchange.is_interruptible.load(Ordering::Relaxed)
            && !exchange.replied.load(Ordering::Relaxed);
        match &exchange.termination {
            Some(termination) if waits && !termination.wait_for(&self.stream)? => {
                Err(io::Error::other("SIGTERM was received"))
            }
            _ => Ok(()),
        }
    }
}

impl Transport for RuntimeApiConnection {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), Error> {
        self.request
            .extend_from_slice(&self.buffers.output()[..amount]);
        if self.request.len() >= COALESCED {
            self.write_request()?;
        }
        Ok(())
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, Error> {
        if !self.request.is_empty() {
            self.write_request()?;
        }
        self.await_reply()?;
        let input = self.buffers.input_append_buf();
        let read = loop {
            match self.stream.read(input) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        if read > 0 {
            self.exchange.replied.store(true, Ordering::Relaxed);
        }
        self.buffers.input_appended(read);
        Ok(read > 0)
    }

    fn is_open(&mut self) -> bool {
        true
    }
}
