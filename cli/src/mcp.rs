//! `lambda-wasm mcp`: the commands of this program as tools of the Model Context Protocol
//! (<https://modelcontextprotocol.io/specification>), for coding agents.

mod command;
mod tools;

use anyhow::{Context as _, Result};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, Implementation, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig,
};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::transport::stdio_pipes;
use rmcp::{ErrorData, ServerHandler, ServiceExt as _};

use crate::dev::until_stopped;

/// Serve the commands as tools for a coding agent, over standard input and output
///
/// An agent can create, build, test, invoke and inspect functions, and gets their logs with each result. A
/// call runs the command of its name in a process of its own, which ends if the call is cancelled.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claude mcp add lambda-wasm -- lambda-wasm mcp
  codex mcp add lambda-wasm -- lambda-wasm mcp")]
pub struct Args {}

/// Serves until standard input ends.
///
/// # Errors
///
/// Returns an error if the client does not begin as the protocol says.
pub fn run(_args: &Args) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let ended = runtime.block_on(until_stopped(async {
        let service = Server.serve(stdio_pipes()).await;
        let service = service.context("the client did not begin with `initialize`")?;
        service.waiting().await.context("the server ended")?;
        Ok(())
    }));
    // Standard input may be read in a thread that does not return. The commands that run end here.
    runtime.shutdown_background();
    ended
}

/// The server. It has no state: each call is a process.
struct Server;

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let name = Implementation::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(name.with_title("lambda-wasm"))
            .with_instructions(
                "Functions for AWS Lambda as WebAssembly components. `new` creates a project, `build` builds it into dist/, `test` builds it and runs the cases in tests/, and `invoke` sends an event to the function as it was built last.",
            )
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools::all()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = request.arguments.unwrap_or_default();
        let call = tools::call(&request.name, arguments)?;
        let result = tokio::select! {
            result = command::run(call) => result,
            // The client does not read this.
            () = context.ct.cancelled() => Err(anyhow::anyhow!("the call was cancelled")),
        };
        match result {
            Ok(result) => Ok(result.into()),
            Err(error) => Err(ErrorData::internal_error(format!("{error:#}"), None)),
        }
    }
}
