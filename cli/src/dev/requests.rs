//! The outgoing requests of the functions, which each `bootstrap` tells by datagrams to a socket of `dev`.

use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::sync::Arc;

use lambda_wasm_host::observer::trace;
use serde::Deserialize;
use tempfile::TempDir;
use tokio::net::UnixDatagram;

use super::history::History;
use super::shell::Variables;

/// The most bytes of an event: its URL may be long.
const MOST: usize = 64 * 1024;

/// An event of a request: `observer/trace.rs` of the host.
#[derive(Debug, Deserialize)]
pub(super) struct Event {
    pub invocation: String,
    /// The number of the request in its instance.
    pub number: usize,
    /// Microseconds since 1970.
    pub at: i64,
    #[serde(default)]
    pub method: String,
    #[serde(default)]
    pub url: String,
    pub signed: Option<String>,
    pub unsigned: Option<String>,
    /// The end of the request, or why it was denied.
    pub result: Option<String>,
}

/// The socket. Dropping it removes its file.
pub(super) struct Requests {
    socket: UnixDatagram,
    directory: TempDir,
}

impl Requests {
    /// Opens a socket that only this user reaches.
    pub fn open() -> io::Result<Self> {
        let directory = tempfile::tempdir()?;
        let socket = UnixDatagram::bind(directory.path().join("socket"))?;
        Ok(Self { socket, directory })
    }

    /// Has a function with these variables tell its requests.
    pub fn announce(&self, variables: &mut Variables) {
        let path = self.directory.path().join("socket");
        if let Some(path) = Path::to_str(&path) {
            variables.insert(trace::VARIABLE.to_owned(), path.to_owned());
        }
    }

    /// Adds the requests to their invocations, as long as this is polled.
    pub async fn follow(&self, history: &Arc<History>) -> Infallible {
        let mut bytes = vec![0; MOST];
        loop {
            let Ok(length) = self.socket.recv(&mut bytes).await else {
                continue;
            };
            // An event that is too long is cut, and is not JSON any more.
            if let Ok(event) = serde_json::from_slice::<Event>(&bytes[..length]) {
                history.requested(event);
            }
        }
    }
}
