//! `lambda-wasm dev`: runs the functions of a template behind a local API Gateway, and behind their
//! function URLs. Each function runs in the same `bootstrap` as on Lambda, and restarts when one of
//! its files in `dist/` is replaced.

mod balancer;
mod banner;
pub mod discovered;
pub mod environment;
mod event_source;
mod explain;
pub mod failure;
mod filter;
mod functions;
mod history;
pub mod modes;
mod page;
mod port_owner;
mod queues;
pub mod rebuild;
mod report;
mod requests;
pub mod setup;
pub mod shell;
pub mod source;
mod urls;
mod watch;

use std::io::{ErrorKind, Write};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context, bail};
use lambda_wasm_emulator::event_source::{self as event_sources, AllowedHosts, Claims};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use balancer::Balancer;
use functions::{Limits, LocalFunctions};
use history::History;
use report::Format;
use requests::Requests;
use setup::{Code, Functions, Located, Setup};
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
/// In a project, `dev` builds first, and again whenever the source changes. While a build fails, the
/// last one that succeeded is served. A function restarts when its component, its .toml or the
/// bootstrap changes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  lambda-wasm dev
  lambda-wasm dev --port 8080 --env-file .env
  lambda-wasm dev --template services/template.yaml --aws")]
pub struct Args {
    /// Listen on this port of 127.0.0.1, and on the ports after it for function URLs
    #[arg(long, env = "PORT", default_value_t = 3000)]
    port: u16,
    /// Serve a function behind a load balancer on this port: the one that the template's target group names, or FUNCTION; may be repeated
    #[arg(long = "alb", value_name = "PORT[=FUNCTION]")]
    balancers: Vec<Balancer>,
    /// Run at most so many environments of each function
    #[arg(long, value_name = "N", default_value_t = Limits::default().environments, value_parser = at_least_one)]
    concurrency: usize,
    /// Serve so many events at the same time in each environment, as a Lambda Managed Instance does
    #[arg(long, value_name = "N", default_value_t = Limits::default().events, value_parser = at_least_one)]
    concurrency_per_environment: usize,
    /// End environments that had no event for so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().idle.as_secs())]
    idle: u64,
    /// Give each environment the share of a CPU that its MemorySize has on Lambda
    #[arg(long)]
    cpu: bool,
    /// Receive the messages of the queues that functions have, from AWS_ENDPOINT_URL_SQS or else AWS
    #[arg(long)]
    poll: bool,
    /// Build with debug information: stack traces have the places in the source
    #[arg(long)]
    debug: bool,
    /// Take requests for this host too, such as a domain that leads to this machine; may be repeated
    #[arg(long = "allow-host", value_name = "NAME")]
    hosts: Vec<String>,
    /// Give a request to a JWT authorizer the claims in this JSON file, unless it has a token that can be checked
    #[arg(long, value_name = "FILE")]
    claims: Option<PathBuf>,
    /// Print the routes, URLs and invocations as JSON, an object on each line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    setup: Setup,
}

/// Serves until Ctrl-C or SIGTERM, then stops all processes that it started.
pub fn run(args: Args) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let functions = OnceLock::new();
    // Dropping the runtime drops its tasks, and dropped processes are killed.
    runtime.block_on(async {
        let ended = until_stopped(serve(args, &functions)).await;
        if let Some(functions) = functions.get() {
            functions.end().await;
        }
        ended
    })
}

/// Waits for the end of something, or for Ctrl-C or SIGTERM.
pub async fn until_stopped(served: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::select! {
        ended = served => ended,
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
        _ = hang_up.recv() => Ok(()),
    }
}

/// Serves the functions, which are put into `started` before any of them runs.
async fn serve(args: Args, started: &OnceLock<Arc<LocalFunctions>>) -> anyhow::Result<()> {
    let setup = args.setup;
    let format = Format::new(args.json);
    let hosts = AllowedHosts::and(&args.hosts);
    let claims = args.claims.as_deref().map(read_claims).transpose()?;
    let listener = listen(args.port).await?;
    let address = listener.local_addr()?;
    let project = setup.project()?;
    let project = match project {
        // Before the build, so that no change is missed.
        Some(mut project) => {
            project.options.debug = args.debug;
            Some((rebuild::watch(&project)?, project))
        }
        None => {
            if args.debug {
                eprintln!(
                    "note: --debug has no effect: {} is not a project",
                    setup.home().display()
                );
            }
            None
        }
    };
    if let Some((_, project)) = &project {
        // Without a build that succeeded, requests fail until there is one.
        if !rebuild::build(project, setup.bootstrap()).await? {
            log("the build failed: it is tried again when the source changes");
            std::fs::create_dir_all(project.directory.join("dist"))?;
        }
    }
    let Functions {
        mut template,
        located: mut known,
        codes,
        variables: mut more,
        bootstraps,
    } = setup.read()?;
    let changes = watch::changes(&codes)?;
    let mut notes = template.notes.clone();
    notes.extend(
        known
            .iter()
            .flat_map(|(function, code)| modes::notes(function, &code.root)),
    );
    for note in &notes {
        eprintln!("note: {note}");
    }
    known.extend(discovered::find(&known, &codes, &more));
    let requests = match Requests::open() {
        Ok(requests) => Some(requests),
        Err(error) => {
            eprintln!("note: the page shows no outgoing requests: {error}");
            None
        }
    };
    if let Some(requests) = &requests {
        requests.announce(&mut more);
        for (function, _) in &mut known {
            requests.announce(&mut function.variables);
        }
    }
    if known.is_empty() && project.is_none() {
        bail!(
            "there is nothing to serve: no function in a template, and no component in {}\nhint: create a project with `lambda-wasm new`, or name a template with --template",
            codes[0].root.display()
        );
    }
    template.functions = known.iter().map(|(function, _)| function.clone()).collect();
    let limits = Limits {
        environments: args.concurrency,
        events: args.concurrency_per_environment,
        idle: Duration::from_secs(args.idle.max(1)),
        cpu: args.cpu,
    };
    let history = Arc::new(History::new(format));
    let functions = Arc::new(LocalFunctions::new(history.clone(), limits));
    started.get_or_init(|| functions.clone());
    let mut urls = Urls::new(functions.clone(), address.port(), hosts.clone());
    let mut listed = Vec::new();
    for (function, code) in &known {
        let url = match function.url {
            Some(mode) => Some(urls.open(function, mode).await?),
            None => None,
        };
        functions.add(function.clone(), code, url);
        listed.push((function, url));
    }
    let mut balanced = Vec::new();
    for balancer in &args.balancers {
        let function = balancer.function(&known)?;
        let address = urls.open_balancer(function, balancer.port).await?;
        balanced.push((function, address));
    }
    let banner = match format {
        Format::Json => banner::json(address, &listed, &balanced),
        Format::Text(_) => banner::text(address, &listed, &balanced),
    };
    drop((listed, balanced));
    let rebuilt = async {
        match project {
            Some((changes, project)) => {
                let ended = rebuild::follow(&project, setup.bootstrap(), changes).await;
                ended.map(|never| match never {})
            }
            None => std::future::pending().await,
        }
    };
    let followed = async {
        match &requests {
            Some(requests) => requests.follow(&history).await,
            None => std::future::pending().await,
        }
    };
    let queues: Vec<_> = known.iter().map(|(function, _)| function.clone()).collect();
    let polled = async {
        if args.poll {
            queues::poll(&queues, &functions).await?;
        }
        std::future::pending().await
    };
    let others = std::mem::take(&mut template.others);
    let pages = page::routes(address, functions.clone(), history.clone(), &notes, others);
    functions.start().await;
    eprintln!("bootstrap: {}", bootstraps.join(", "));
    print!("{banner}");
    tokio::select! {
        ended = event_sources::serve(listener, template, functions.clone(), hosts, pages, claims) => {
            ended.context("the local API Gateway stopped")
        }
        ended = follow(changes, known, &codes, &more, &functions, &mut urls, format) => ended,
        ended = rebuilt => ended,
        () = functions.end_idle() => Ok(()),
        never = followed => match never {},
        ended = polled => ended,
    }
}

/// Reads the claims of requests without a token that can be checked.
fn read_claims(path: &Path) -> anyhow::Result<Claims> {
    let text = std::fs::read_to_string(path);
    let text = text.with_context(|| format!("cannot read the claims {}", path.display()))?;
    let claims = text.parse::<Claims>();
    claims.with_context(|| format!("the claims {} are not a JSON object", path.display()))
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least 1".to_owned()),
        Ok(count) => Ok(count),
        Err(error) => Err(error.to_string()),
    }
}

/// Restarts functions whose files change, and serves new components.
async fn follow(
    mut changes: Changes,
    mut known: Vec<Located>,
    codes: &[Code],
    more: &Variables,
    functions: &LocalFunctions,
    urls: &mut Urls,
    format: Format,
) -> anyhow::Result<()> {
    while changes.next().await {
        for (function, code) in discovered::find(&known, codes, more) {
            let mut url = None;
            if let Some(mode) = function.url {
                let address = urls.open(&function, mode).await?;
                url = Some(address);
                match format {
                    Format::Json => println!("{}", banner::added_json(&function, address)),
                    Format::Text(_) => println!("{}", banner::added(&function, address)),
                }
            }
            functions.add(function.clone(), &code, url);
            known.push((function, code));
        }
        functions.start().await;
    }
    Ok(())
}

async fn listen(port: u16) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    listener.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => anyhow::anyhow!(
            "port {port} is in use by {}\nhint: choose another port with --port or PORT=, such as PORT={}",
            port_owner::describe(port).unwrap_or_else(|| "another program".to_owned()),
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
