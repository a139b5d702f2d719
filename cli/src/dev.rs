//! `lambda-wasm dev`: the functions of a template behind a local API Gateway, and behind their
//! function URLs. Each runs in the same `bootstrap` that Lambda runs, and is started anew when a
//! file of its own in `dist/` is replaced.

mod banner;
mod environment;
mod fleet;
mod modes;
mod shell;
mod strays;
mod urls;
mod watch;

use std::io::{ErrorKind, Write};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use lambda_wasm_emulator::{Function, Template, front_door};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use fleet::Fleet;
use shell::Variables;
use urls::Urls;
use watch::Changes;

/// Run the functions of a template behind a local API Gateway
///
/// The routes of REST APIs (events of type Api) and HTTP APIs (HttpApi) share one port. A function
/// with a FunctionUrlConfig gets a port of its own, the next that is free: 3001, 3002, and so on.
/// So does every component in dist/ that no function of the template has as its Handler, with
/// Lambda's default Timeout of 3 seconds and MemorySize of 128: put foo.cwasm there, and it is
/// served, as a stream if foo.toml beside it has `stream = true`. The first lines that are printed
/// say what is where.
///
/// A function is restarted when its component, its .toml or the bootstrap changes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Listen on this port of 127.0.0.1, and for function URLs on those after it
    #[arg(long, env = "PORT", default_value_t = 3000)]
    port: u16,
    /// The SAM template that names the functions and their routes [default: template.yaml, .yml or .json]
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,
    /// The folder with `bootstrap` and the compiled components, for all functions [default: a function's CodeUri if `bootstrap` is there, or else dist]
    #[arg(long, value_name = "FOLDER")]
    dist: Option<PathBuf>,
    /// Pass the AWS_ variables of this shell on: credentials and endpoints
    #[arg(long)]
    aws: bool,
    /// Set the variables of this file, a NAME=VALUE a line, for all functions
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
}

/// Serves until Ctrl-C or SIGTERM, and stops everything that it started.
pub fn run(args: Args) -> anyhow::Result<()> {
    let template = args.template.or_else(Template::find);
    let template = template.unwrap_or_else(|| PathBuf::from("template.yaml"));
    let mut template = Template::read_in(&template, &shell::region())?;
    let more = shell::variables(args.aws, args.env_file.as_deref())?;
    for function in &mut template.functions {
        function.variables.extend(more.clone());
    }
    let roots = task_roots(&template.functions, args.dist.as_deref())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // With the runtime, whatever still runs is dropped, and dropped processes are killed.
    runtime.block_on(serve(args.port, template, roots, more))
}

async fn serve(
    port: u16,
    mut template: Template,
    roots: Vec<PathBuf>,
    more: Variables,
) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let listener = listen(port).await?;
    let address = listener.local_addr()?;
    for note in &template.notes {
        eprintln!("note: {note}");
    }
    let changes = watch::changes(&roots)?;
    let mut known: Vec<_> = std::iter::zip(template.functions.clone(), roots).collect();
    for (function, root) in &known {
        for note in modes::notes(function, root) {
            eprintln!("note: {note}");
        }
    }
    known.extend(strays::functions(&known, &more));
    template.functions = known.iter().map(|(function, _)| function.clone()).collect();
    let fleet = Arc::new(Fleet::default());
    let mut urls = Urls::new(fleet.clone(), address.port());
    let mut listed = Vec::new();
    for (function, root) in &known {
        fleet.add(function.clone(), root);
        let url = match function.url {
            Some(mode) => Some(urls.open(function, mode).await?),
            None => None,
        };
        listed.push((function, url));
    }
    let banner = banner::text(address, &listed);
    drop(listed);
    let served = async {
        fleet.start().await;
        print!("{banner}");
        tokio::select! {
            ended = front_door::serve(listener, template, fleet.clone()) => {
                ended.context("the local API Gateway stopped")
            }
            ended = follow(changes, known, &more, &fleet, &mut urls) => ended,
        }
    };
    tokio::select! {
        ended = served => ended,
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
        _ = hang_up.recv() => Ok(()),
    }
}

/// Restarts what has changed, and serves components that are new, as long as there are changes.
async fn follow(
    mut changes: Changes,
    mut known: Vec<Located>,
    more: &Variables,
    fleet: &Fleet,
    urls: &mut Urls,
) -> anyhow::Result<()> {
    while changes.next().await {
        for (function, root) in strays::functions(&known, more) {
            if let Some(mode) = function.url {
                let address = urls.open(&function, mode).await?;
                println!("{}", banner::news(&function, address));
            }
            fleet.add(function.clone(), &root);
            known.push((function, root));
        }
        fleet.start().await;
    }
    Ok(())
}

/// A function, and the folder that its code is in.
type Located = (Function, PathBuf);

/// The folder of each function, as an absolute path.
fn task_roots(functions: &[Function], dist: Option<&Path>) -> anyhow::Result<Vec<PathBuf>> {
    let root = |function: &Function| match (dist, &function.code) {
        (None, Some(code)) if code.join("bootstrap").is_file() => find_dist(code),
        _ => find_dist(dist.unwrap_or(Path::new("dist"))),
    };
    functions.iter().map(root).collect()
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

/// Writes a line to stderr as one piece: the functions' processes write there, too.
fn tell(line: &str) {
    // An error has nowhere to be told.
    let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
}
