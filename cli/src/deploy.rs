//! `lambda-wasm deploy`: one function on AWS, without SAM, CDK or Terraform.

pub mod connection;
mod dry_run;
pub mod failure;
mod function;
mod url;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use aws_sdk_lambda::Client;
use aws_sdk_lambda::types::{Architecture, FunctionUrlAuthType, InvokeMode};

use crate::dev::{modes, shell};
use crate::output;
use crate::package::{Contents, MAX_DIRECT_UPLOAD, megabytes};
use connection::Connection;
use function::Wanted;
use url::WantedUrl;

/// Create or update one function on AWS
///
/// Packages and checks the directory as `package` does, creates the function or updates its code and
/// configuration, and waits until it can be invoked. What is not named stays as it is on AWS, or gets
/// Lambda's default.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  lambda-wasm deploy hello --role arn:aws:iam::123456789012:role/hello --url NONE
  lambda-wasm deploy hello --memory 256 --env TABLE=orders
  lambda-wasm deploy hello --dry-run")]
pub struct Args {
    /// The name of the function on AWS
    name: String,
    /// The role that the function runs with; a new function needs one
    #[arg(long, value_name = "ARN")]
    role: Option<String>,
    /// The directory with the functions' artifacts
    #[arg(long, value_name = "DIRECTORY", default_value = "dist")]
    dist: PathBuf,
    /// The bootstrap to pack [default: the directory's, or else the built-in one]
    #[arg(long, value_name = "FILE")]
    bootstrap: Option<PathBuf>,
    /// Attach this layer instead of the layers that the function has, and leave the bootstrap out; may be repeated
    #[arg(long = "layer", value_name = "ARN", conflicts_with = "bootstrap")]
    layers: Vec<String>,
    /// The component to run: the name of its artifact [default: the only one]
    #[arg(long, value_name = "NAME")]
    handler: Option<String>,
    /// The memory of the function
    #[arg(long, value_name = "MB", value_parser = clap::value_parser!(i32).range(128..=10_240))]
    memory: Option<i32>,
    /// The time after which Lambda stops an invocation
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(i32).range(1..=900))]
    timeout: Option<i32>,
    /// Set this variable, and remove those that are not named; may be repeated
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = shell::assignment)]
    variables: Vec<(String, String)>,
    /// Give the function a URL: for everyone (NONE), or for signed requests only (AWS_IAM)
    #[arg(long, value_name = "AUTH", ignore_case = true)]
    url: Option<Auth>,
    /// Pass responses on when they are complete, or as they arrive [default: as the function sends them]
    #[arg(long, value_name = "MODE", ignore_case = true, requires = "url")]
    invoke_mode: Option<Mode>,
    #[command(flatten)]
    connection: Connection,
    /// Print the requests, and send none
    #[arg(long)]
    dry_run: bool,
    /// Print JSON: what was done, the ARN, the hash of the code and the URL
    #[arg(long)]
    json: bool,
}

/// The callers that a function URL is for.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Auth {
    /// Everyone
    #[value(name = "NONE")]
    None,
    /// Callers that sign the request
    #[value(name = "AWS_IAM")]
    AwsIam,
}

/// How a function URL passes responses on.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Mode {
    /// When they are complete
    #[value(name = "BUFFERED")]
    Buffered,
    /// As they arrive
    #[value(name = "RESPONSE_STREAM")]
    ResponseStream,
}

/// Creates or updates a function.
///
/// # Errors
///
/// Returns an error if Lambda could not run the package, or AWS refuses a request.
pub fn run(args: &Args) -> Result<()> {
    let contents = Contents::collect(
        &args.dist,
        None,
        args.bootstrap.as_deref(),
        !args.layers.is_empty(),
    )?;
    let handler = handler(&args.dist, &contents, args.handler.as_deref())?;
    for warning in contents.check(None, None)?.warnings {
        eprintln!("warning: {warning}");
    }
    let zip = contents.zip()?;
    if zip.len() as u64 > MAX_DIRECT_UPLOAD {
        bail!(
            "the zip has {}, and Lambda takes at most {} in a direct upload\nhint: deploy it from S3, as `sam deploy` does",
            megabytes(zip.len() as u64),
            megabytes(MAX_DIRECT_UPLOAD)
        );
    }
    let url = args.url.map(|auth| WantedUrl {
        auth: match auth {
            Auth::None => FunctionUrlAuthType::None,
            Auth::AwsIam => FunctionUrlAuthType::AwsIam,
        },
        mode: match args.invoke_mode {
            Some(Mode::Buffered) => InvokeMode::Buffered,
            Some(Mode::ResponseStream) => InvokeMode::ResponseStream,
            None if modes::streams(&args.dist, &handler) == Some(true) => {
                InvokeMode::ResponseStream
            }
            None => InvokeMode::Buffered,
        },
    });
    let wanted = Wanted {
        name: args.name.clone(),
        role: args.role.clone(),
        handler,
        architecture: match contents.architecture {
            lambda_wasm_emulator::Architecture::Arm64 => Architecture::Arm64,
            lambda_wasm_emulator::Architecture::X86_64 => Architecture::X8664,
        },
        memory: args.memory,
        timeout: args.timeout,
        variables: variables(&args.variables),
        layers: args.layers.clone(),
        zip,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        if args.dry_run {
            return dry_run::print(&wanted, url.as_ref(), args.json).await;
        }
        let client = Client::from_conf(args.connection.config().await?.build());
        if !args.json {
            eprintln!(
                "deploying {} of {} as {} ({})",
                wanted.handler,
                output::shown(&args.dist),
                wanted.name,
                megabytes(wanted.zip.len() as u64)
            );
        }
        let deployed = function::put(&client, &wanted).await?;
        let url = match &url {
            Some(url) => Some(url::put(&client, &wanted.name, url).await?),
            None => None,
        };
        if args.json {
            let report = serde_json::json!({
                "name": wanted.name,
                "outcome": deployed.outcome.to_string(),
                "arn": deployed.arn,
                "codeSha256": deployed.code_sha256,
                "url": url,
            });
            println!("{}", serde_json::to_string_pretty(&report)?);
        } else {
            eprintln!("{}: {}", deployed.outcome, deployed.arn);
            if let Some(url) = url {
                println!("{url}");
            }
        }
        Ok(())
    })
}

/// Returns the handler that was named, or the only one.
fn handler(directory: &Path, contents: &Contents, named: Option<&str>) -> Result<String> {
    let handlers = contents.handlers();
    let listed = || handlers.join(", ");
    match (named, handlers.as_slice()) {
        (Some(named), known) if known.contains(&named) => Ok(named.to_owned()),
        (Some(named), _) => bail!(
            "{} does not have {named}.cwasm\nhint: the handlers are {}",
            directory.display(),
            listed()
        ),
        (None, [only]) => Ok((*only).to_owned()),
        (None, _) => bail!(
            "{} has several components\nhint: name one with --handler: {}",
            directory.display(),
            listed()
        ),
    }
}

/// The variables of the function; nothing if none is named, which leaves them as they are.
fn variables(named: &[(String, String)]) -> Option<HashMap<String, String>> {
    (!named.is_empty()).then(|| named.iter().cloned().collect())
}

/// Returns a text that AWS always sends.
fn required(value: Option<&str>, name: &str) -> Result<String> {
    value
        .map(str::to_owned)
        .with_context(|| format!("the answer of AWS does not have the {name}"))
}
