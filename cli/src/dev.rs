//! `lambda-wasm dev`: runs the functions of a template behind a local API Gateway, and behind their
//! function URLs. Each function runs in the same `bootstrap` as on Lambda, and restarts when one of
//! its files in `dist/` is replaced.

mod banner;
mod discovered;
mod environment;
mod functions;
mod modes;
mod shell;
mod urls;
mod watch;

use std::io::{ErrorKind, Write};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use lambda_wasm_emulator::{Function, Template, event_source};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use functions::LocalFunctions;
use shell::Variables;
use urls::Urls;
use watch::Changes;

/// Run the functions of a template behind a local API Gateway
///
/// The routes of REST APIs (events of type Api) and HTTP APIs (HttpApi) share one port. A function
/// with a FunctionUrlConfig gets the next free port: 3001, 3002, and so on. A component in dist/
/// that the template does not name as a Handler also gets a URL, with a Timeout of 3 seconds and a
/// MemorySize of 128. Set `stream = true` in NAME.toml to stream its responses. All URLs are
/// printed at startup.
///
/// A function restarts when its component, its .toml or the bootstrap changes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Listen on this port of 127.0.0.1, and on the ports after it for function URLs
    #[arg(long, env = "PORT", default_value_t = 3000)]
    port: u16,
    /// Read the functions and their routes from this SAM template [default: template.yaml, .yml or .json]
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,
    /// Run `bootstrap` and the compiled components in this directory, for all functions [default: a function's CodeUri if `bootstrap` is there, or else dist]
    #[arg(long, value_name = "DIRECTORY")]
    dist: Option<PathBuf>,
    /// Pass the AWS_ variables of this shell on: credentials and endpoints
    #[arg(long)]
    aws: bool,
    /// Set the variables of this file, one NAME=VALUE in each line, for all functions
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
}

/// Serves until Ctrl-C or SIGTERM, then stops all processes that it started.
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
    // Dropping the runtime drops its tasks, and dropped processes are killed.
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
    known.extend(discovered::find(&known, &more));
    template.functions = known.iter().map(|(function, _)| function.clone()).collect();
    let functions = Arc::new(LocalFunctions::default());
    let mut urls = Urls::new(functions.clone(), address.port());
    let mut listed = Vec::new();
    for (function, root) in &known {
        functions.add(function.clone(), root);
        let url = match function.url {
            Some(mode) => Some(urls.open(function, mode).await?),
            None => None,
        };
        listed.push((function, url));
    }
    let banner = banner::text(address, &listed);
    drop(listed);
    let served = async {
        functions.start().await;
        print!("{banner}");
        tokio::select! {
            ended = event_source::serve(listener, template, functions.clone()) => {
                ended.context("the local API Gateway stopped")
            }
            ended = follow(changes, known, &more, &functions, &mut urls) => ended,
        }
    };
    tokio::select! {
        ended = served => ended,
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
        _ = hang_up.recv() => Ok(()),
    }
}

/// Restarts functions whose files change, and serves new components.
async fn follow(
    mut changes: Changes,
    mut known: Vec<Located>,
    more: &Variables,
    functions: &LocalFunctions,
    urls: &mut Urls,
) -> anyhow::Result<()> {
    while changes.next().await {
        for (function, root) in discovered::find(&known, more) {
            if let Some(mode) = function.url {
                let address = urls.open(&function, mode).await?;
                println!("{}", banner::added(&function, address));
            }
            functions.add(function.clone(), &root);
            known.push((function, root));
        }
        functions.start().await;
    }
    Ok(())
}

/// A function, and the directory of its code.
type Located = (Function, PathBuf);

/// Returns the directory of each function, as an absolute path.
fn task_roots(functions: &[Function], dist: Option<&Path>) -> anyhow::Result<Vec<PathBuf>> {
    let root = |function: &Function| match (dist, &function.code) {
        (None, Some(code)) if code.join("bootstrap").is_file() => find_dist(code),
        _ => find_dist(dist.unwrap_or(Path::new("dist"))),
    };
    functions.iter().map(root).collect()
}

/// Returns the directory as an absolute path, which becomes `LAMBDA_TASK_ROOT`.
fn find_dist(dist: &Path) -> anyhow::Result<PathBuf> {
    let bootstrap = dist.join("bootstrap");
    if !bootstrap.is_file() {
        bail!(
            "{} does not exist\nhint: build it with ./build.sh, or name its directory with --dist",
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
            "port {port} is in use by another program\nhint: choose another port with --port or PORT=, such as PORT={}",
            port.checked_add(1).unwrap_or(3000)
        ),
        _ => anyhow::anyhow!("cannot listen on 127.0.0.1:{port}: {error}"),
    })
}

/// Writes a line to stderr in one piece: the functions' processes write there too.
fn log(line: &str) {
    // An error of stderr cannot be reported.
    let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
}
