//! Function URLs: a port for each, after that of the gateway.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context;
use lambda_wasm_emulator::{Function, InvokeMode, front_door};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::fleet::Fleet;

/// The function URLs that are served, until this is dropped.
pub(super) struct Urls {
    fleet: Arc<Fleet>,
    last_port: u16,
    servers: JoinSet<io::Result<()>>,
}

impl Urls {
    /// None yet; they take the ports after this one.
    pub fn new(fleet: Arc<Fleet>, port: u16) -> Self {
        Self {
            fleet,
            last_port: port,
            servers: JoinSet::new(),
        }
    }

    /// Serves a function's URL and returns its address.
    pub async fn open(
        &mut self,
        function: &Function,
        mode: InvokeMode,
    ) -> anyhow::Result<SocketAddr> {
        let listener = self.listen().await?;
        let address = listener.local_addr()?;
        let (function, fleet) = (function.clone(), self.fleet.clone());
        let server = front_door::serve_url(listener, function, mode, fleet);
        self.servers.spawn(server);
        Ok(address)
    }

    /// Listens on the next port that is free.
    async fn listen(&mut self) -> anyhow::Result<TcpListener> {
        loop {
            let port = self.last_port.checked_add(1);
            let port = port.context("there is no free port left for function URLs")?;
            self.last_port = port;
            match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
                Err(error) if error.kind() == ErrorKind::AddrInUse => {}
                result => return result.with_context(|| format!("cannot listen on port {port}")),
            }
        }
    }
}
