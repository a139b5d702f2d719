//! `lambda-wasm dev`: the functions of a template behind a local API Gateway. Each runs in the same
//! `bootstrap` that Lambda runs, and is started anew when a file in `dist/` is replaced.

mod banner;
mod environment;
mod fleet;
mod watch;

use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use lambda_wasm_emulator::{Template, front_door};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use fleet::Fleet;

/// Run the functions of a template behind a local API Gateway.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Listen on this port of 127.0.0.1
    #[arg(long, env = "PORT", default_value_t = 3000)]
    port: u16,
    /// The SAM template that names the functions and their routes
    #[arg(long, value_name = "FILE", default_value = "template.yaml")]
    template: PathBuf,
    /// The folder with `bootstrap` and the compiled components
    #[arg(long, value_name = "FOLDER", default_value = "dist")]
    dist: PathBuf,
}

/// Serves until Ctrl-C or SIGTERM, and stops everything that it started.
pub fn run(args: Args) -> anyhow::Result<()> {
    let template = Template::read(&args.template)?;
    let dist = find_dist(&args.dist)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // With the runtime, whatever still runs is dropped, and dropped processes are killed.
    runtime.block_on(serve(args.port, template, &dist))
}

async fn serve(port: u16, template: Template, dist: &Path) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let listener = listen(port).await?;
    let address = listener.local_addr()?;
    for note in &template.notes {
        eprintln!("note: {note}");
    }
    let fleet = Arc::new(Fleet::new(&template, dist));
    let changes = watch::changes(dist)?;
    let banner = banner::text(address, &template);
    let served = async {
        fleet.start().await;
        print!("{banner}");
        tokio::select! {
            ended = front_door::serve(listener, template, fleet.clone()) => ended,
            () = fleet.follow(changes) => Ok(()),
        }
    };
    tokio::select! {
        ended = served => ended.context("the local API Gateway stopped"),
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
        _ = hang_up.recv() => Ok(()),
    }
}

/// The folder as an absolute path, which becomes `LAMBDA_TASK_ROOT`.
fn find_dist(dist: &Path) -> anyhow::Result<PathBuf> {
    let bootstrap = dist.join("bootstrap");
    if !bootstrap.is_file() {
        bail!(
            "there is no {}: build it with ./build.sh, or name its folder with --dist",
            bootstrap.display()
        );
    }
    let path = dist.canonicalize();
    path.with_context(|| format!("cannot open {}", dist.display()))
}

async fn listen(port: u16) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    listener.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => anyhow::anyhow!(
            "port {port} is taken by another program: choose another with --port or PORT=, such as PORT={}",
            port.checked_add(1).unwrap_or(3000)
        ),
        _ => anyhow::anyhow!("cannot listen on 127.0.0.1:{port}: {error}"),
    })
}
