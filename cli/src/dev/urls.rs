//! Function URLs, each on a port after the gateway's, and load balancers, each on the port that the user names.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context;
use lambda_wasm_emulator::event_source::{self, AllowedHosts};
use lambda_wasm_emulator::{Function, InvokeMode};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::functions::LocalFunctions;

/// The function URLs and load balancers that are served. Dropping the value stops them.
pub(super) struct Urls {
    functions: Arc<LocalFunctions>,
    last_port: u16,
    hosts: AllowedHosts,
    servers: JoinSet<io::Result<()>>,
}

impl Urls {
    /// Creates an empty set of URLs, which take the ports after this one.
    pub fn new(functions: Arc<LocalFunctions>, port: u16, hosts: AllowedHosts) -> Self {
        Self {
            functions,
            last_port: port,
            hosts,
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
        let (function, functions) = (function.clone(), self.functions.clone());
        let server =
            event_source::serve_url(listener, function, mode, functions, self.hosts.clone());
        self.servers.spawn(server);
        Ok(address)
    }

    /// Serves a function behind a load balancer on a port, and returns its address.
    pub async fn open_balancer(
        &mut self,
        function: &Function,
        port: u16,
    ) -> anyhow::Result<SocketAddr> {
        let listener = super::listen(port).await?;
        let address = listener.local_addr()?;
        let (function, functions) = (function.clone(), self.functions.clone());
        let hosts = self.hosts.clone();
        let server = event_source::serve_alb(listener, function, functions, hosts);
        self.servers.spawn(server);
        Ok(address)
    }

    /// Listens on the next free port.
    async fn listen(&mut self) -> anyhow::Result<TcpListener> {
        loop {
            let port = self.last_port.checked_add(1);
            let port = port.context("no free port is left for function URLs")?;
            self.last_port = port;
            match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
                Err(error) if error.kind() == ErrorKind::AddrInUse => {}
                result => return result.with_context(|| format!("cannot listen on port {port}")),
            }
        }
    }
}
