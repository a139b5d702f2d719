//! Creates a function on AWS, or updates it, and waits until it can be invoked.

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use aws_sdk_lambda::Client;
use aws_sdk_lambda::operation::create_function::builders::CreateFunctionFluentBuilder;
use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput;
use aws_sdk_lambda::operation::update_function_configuration::builders::UpdateFunctionConfigurationFluentBuilder;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{
    Architecture, Environment, FunctionCode, LastUpdateStatus, PackageType, Runtime, State,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::failure::{describe, has_code, message};
use super::required;

/// How long a new role may take until Lambda can assume it. IAM spreads it within seconds.
const ROLE_PATIENCE: Duration = Duration::from_secs(30);

/// How long Lambda may take for an update.
const UPDATE_PATIENCE: Duration = Duration::from_secs(300);

/// The first pause between two looks, which doubles up to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LAST_PAUSE: Duration = Duration::from_secs(4);

/// The function as it is to be. What is nothing or empty stays as it is.
pub(super) struct Wanted {
    pub name: String,
    pub role: Option<String>,
    pub handler: String,
    pub architecture: Architecture,
    pub memory: Option<i32>,
    pub timeout: Option<i32>,
    pub variables: Option<HashMap<String, String>>,
    pub layers: Vec<String>,
    pub zip: Vec<u8>,
}

/// The change of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Created,
    Updated,
    Unchanged,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
        })
    }
}

/// A function that can be invoked.
pub(super) struct Deployed {
    pub outcome: Outcome,
    pub arn: String,
    pub code_sha256: String,
}

impl Wanted {
    /// The hash of the zip as Lambda's `CodeSha256` has it.
    pub fn code_sha256(&self) -> String {
        STANDARD.encode(Sha256::digest(&self.zip))
    }

    fn environment(&self) -> Option<Environment> {
        let variables = self.variables.clone()?;
        Some(
            Environment::builder()
                .set_variables(Some(variables))
                .build(),
        )
    }

    fn layers(&self) -> Option<Vec<String>> {
        (!self.layers.is_empty()).then(|| self.layers.clone())
    }
}

/// Creates the function, or updates what is different.
///
/// # Errors
///
/// Returns an error if AWS refuses a request, if the update of the function fails, or if the function of this name runs
/// something else.
pub(super) async fn put(client: &Client, wanted: &Wanted) -> Result<Deployed> {
    let asked = client
        .get_function_configuration()
        .function_name(&wanted.name);
    let outcome = match asked.send().await {
        Ok(_) => update(client, wanted).await?,
        Err(error) if has_code(&error, "ResourceNotFoundException") => {
            create(client, wanted).await?;
            Outcome::Created
        }
        Err(error) => return Err(describe("GetFunctionConfiguration", error)),
    };
    let current = ready(client, &wanted.name).await?;
    Ok(Deployed {
        outcome,
        arn: required(current.function_arn(), "FunctionArn")?,
        code_sha256: required(current.code_sha256(), "CodeSha256")?,
    })
}

async fn create(client: &Client, wanted: &Wanted) -> Result<()> {
    let Some(role) = &wanted.role else {
        bail!(
            "the function {} does not exist, and a new function needs a role\nhint: name it with --role",
            wanted.name
        );
    };
    let code = FunctionCode::builder().zip_file(Blob::new(wanted.zip.clone()));
    let request: CreateFunctionFluentBuilder = client
        .create_function()
        .function_name(&wanted.name)
        .package_type(PackageType::Zip)
        .runtime(Runtime::Providedal2023)
        .architectures(wanted.architecture.clone())
        .role(role)
        .handler(&wanted.handler)
        .set_memory_size(wanted.memory)
        .set_timeout(wanted.timeout)
        .set_environment(wanted.environment())
        .set_layers(wanted.layers())
        .code(code.build());
    let mut pauses = Pauses::new(ROLE_PATIENCE);
    loop {
        match request.clone().send().await {
            Ok(_) => return Ok(()),
            // IAM tells Lambda of a new role only after a while.
            Err(error)
                if message(&error).contains("cannot be assumed by Lambda")
                    && pauses.wait().await => {}
            Err(error) => return Err(describe("CreateFunction", error)),
        }
    }
}

async fn update(client: &Client, wanted: &Wanted) -> Result<Outcome> {
    // Lambda refuses an update while another is in progress. One that failed may be mended.
    let current = settled(client, &wanted.name).await?;
    let runtime = current.runtime().map_or("none", Runtime::as_str);
    if !runtime.starts_with("provided") {
        bail!(
            "the function {} is not for a bootstrap: its runtime is {runtime}\nhint: choose another name",
            wanted.name
        );
    }
    let mut outcome = Outcome::Unchanged;
    // First, since Lambda refuses more of it than of code: then the function stays as it is.
    if let Some(request) = configuration(client, wanted, &current) {
        let sent = request.send().await;
        sent.map_err(|error| describe("UpdateFunctionConfiguration", error))?;
        ready(client, &wanted.name).await?;
        outcome = Outcome::Updated;
    }
    let has_code = current.code_sha256() == Some(&wanted.code_sha256());
    if !has_code || current.architectures() != [wanted.architecture.clone()] {
        let request = client
            .update_function_code()
            .function_name(&wanted.name)
            .architectures(wanted.architecture.clone())
            .zip_file(Blob::new(wanted.zip.clone()));
        let sent = request.send().await;
        sent.map_err(|error| describe("UpdateFunctionCode", error))?;
        outcome = Outcome::Updated;
    }
    Ok(outcome)
}

/// Returns the request that changes the configuration, unless it is as it is to be.
fn configuration(
    client: &Client,
    wanted: &Wanted,
    current: &GetFunctionConfigurationOutput,
) -> Option<UpdateFunctionConfigurationFluentBuilder> {
    fn differs<T: PartialEq>(wanted: Option<&T>, current: Option<&T>) -> bool {
        wanted.is_some() && wanted != current
    }
    let of = current
        .environment()
        .and_then(|environment| environment.variables());
    let attached: Vec<_> = current
        .layers()
        .iter()
        .filter_map(|layer| layer.arn())
        .collect();
    let changes = [
        current.runtime() != Some(&Runtime::Providedal2023),
        current.handler() != Some(&wanted.handler),
        wanted.role.is_some() && wanted.role.as_deref() != current.role(),
        differs(wanted.memory.as_ref(), current.memory_size().as_ref()),
        differs(wanted.timeout.as_ref(), current.timeout().as_ref()),
        differs(wanted.variables.as_ref(), of),
        !wanted.layers.is_empty() && wanted.layers != attached,
    ];
    changes.contains(&true).then(|| {
        client
            .update_function_configuration()
            .function_name(&wanted.name)
            .runtime(Runtime::Providedal2023)
            .handler(&wanted.handler)
            .set_role(wanted.role.clone())
            .set_memory_size(wanted.memory)
            .set_timeout(wanted.timeout)
            .set_environment(wanted.environment())
            .set_layers(wanted.layers())
    })
}

/// Waits until the function is active and its last update is complete.
///
/// # Errors
///
/// Returns an error if the creation or the update failed.
async fn ready(client: &Client, name: &str) -> Result<GetFunctionConfigurationOutput> {
    let current = settled(client, name).await?;
    let failed = match (current.state(), current.last_update_status()) {
        (Some(State::Failed), _) => current.state_reason(),
        (_, Some(LastUpdateStatus::Failed)) => current.last_update_status_reason(),
        _ => return Ok(current),
    };
    bail!(
        "Lambda could not update {name}: {}",
        failed.unwrap_or("no reason")
    );
}

/// Waits until nothing is in progress, whether it succeeded or failed.
async fn settled(client: &Client, name: &str) -> Result<GetFunctionConfigurationOutput> {
    let mut pauses = Pauses::new(UPDATE_PATIENCE);
    loop {
        let asked = client.get_function_configuration().function_name(name);
        let current = asked.send().await;
        let current = current.map_err(|error| describe("GetFunctionConfiguration", error))?;
        let is_pending = current.state() == Some(&State::Pending)
            || current.last_update_status() == Some(&LastUpdateStatus::InProgress);
        if !is_pending {
            return Ok(current);
        }
        if !pauses.wait().await {
            bail!(
                "the function {name} is not ready after {} seconds\nhint: look at its state in the console of Lambda",
                UPDATE_PATIENCE.as_secs()
            );
        }
    }
}

/// Pauses that become longer, for a limited time.
struct Pauses {
    until: Instant,
    next: Duration,
}

impl Pauses {
    fn new(patience: Duration) -> Self {
        Self {
            until: Instant::now() + patience,
            next: FIRST_PAUSE,
        }
    }

    /// Waits, and returns whether there was time left for it.
    async fn wait(&mut self) -> bool {
        if Instant::now() + self.next > self.until {
            return false;
        }
        tokio::time::sleep(self.next).await;
        self.next = LAST_PAUSE.min(self.next * 2);
        true
    }
}
