//! The credentials that sign requests to AWS: the environment's own, or those of an endpoint that renews them.
//!
//! The endpoint is the [container credential provider][provider] of AWS's SDKs. Lambda has it after a restore of SnapStart, and
//! where a process outlives its session. The credentials are fetched for the first request that is signed, renewed ahead of
//! their expiry, and used until then if the renewal fails. Functions see neither the endpoint nor its token.
//!
//! [provider]: https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html

mod endpoint;

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use aws_credential_types::Credentials;
use tokio::time::{sleep, timeout};

use self::endpoint::Endpoint;
pub(crate) use self::endpoint::token_directory;
use crate::config::Environment;
use crate::log::{Level, Log};
use crate::variant::Variant;

/// How long before their expiry credentials are renewed, at the latest: as AWS's SDKs do.
const RENEW_BEFORE: Duration = Duration::from_secs(300);

/// How much earlier a process may renew them, by chance, so that many processes do not do so together.
const JITTER: Duration = Duration::from_secs(60);

/// How long a renewal may take while the credentials are valid: a request waits for it.
const RENEWAL: Duration = Duration::from_secs(1);

/// How long a request that has no valid credentials waits for them.
const FETCH: Duration = Duration::from_secs(2);

/// How long to wait before each further attempt of such a request. SDKs try three times, too.
const AGAIN: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(200)];

/// How long to wait after a renewal that failed: twice as long each time, up to the second.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// How long a failure to fetch credentials counts for the requests that waited for it.
const FAILURE_COUNTS: Duration = Duration::from_millis(500);

/// The source of all credentials of a process.
#[derive(Debug)]
pub(crate) enum CredentialSource {
    /// The environment has no credentials.
    None,
    /// The environment has the credentials, and they do not change.
    Environment(Credentials),
    /// An endpoint has them.
    Endpoint(Box<RenewedCredentials>),
    /// The environment names an endpoint that may not be asked.
    Invalid(String),
}

impl CredentialSource {
    /// Finds the source as AWS's SDKs do: the keys of the environment, or else the endpoint.
    #[must_use]
    pub(crate) fn from_environment(environment: &Environment, log: Log) -> Self {
        if !Variant::IS_FULL {
            return Self::None;
        }
        let key = environment.get("AWS_ACCESS_KEY_ID");
        let secret = environment.get("AWS_SECRET_ACCESS_KEY");
        let token = environment.get("AWS_SESSION_TOKEN").map(str::to_owned);
        if let Some((key, secret)) = key.zip(secret) {
            return Self::Environment(Credentials::new(key, secret, token, None, "environment"));
        }
        match Endpoint::from_environment(environment) {
            None => Self::None,
            Some(Err(why)) => Self::Invalid(why),
            Some(Ok(endpoint)) => Self::Endpoint(Box::new(RenewedCredentials {
                endpoint,
                ca_file: environment.ca_file(),
                log,
                kept: Mutex::new(Kept::default()),
                fetching: tokio::sync::Mutex::new(()),
            })),
        }
    }

    /// Returns whether there are credentials, or may be.
    #[must_use]
    pub(super) fn is_some(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// Returns the address of the endpoint, which functions may not reach under any name, if it is written as an address.
    #[must_use]
    pub(crate) fn addresses(environment: &Environment) -> Vec<SocketAddr> {
        match Endpoint::from_environment(environment) {
            Some(Ok(endpoint)) => endpoint.addresses(),
            _ => Vec::new(),
        }
    }

    /// Returns credentials that are valid now.
    ///
    /// # Errors
    ///
    /// Returns the reason if the source has no valid credentials.
    pub(super) async fn get(&self) -> Result<Credentials, String> {
        match self {
            Self::None => Err("the environment has none".to_owned()),
            Self::Environment(credentials) => Ok(credentials.clone()),
            Self::Endpoint(renewed) => renewed.get().await,
            Self::Invalid(why) => Err(why.clone()),
        }
    }

    /// Forgets what was fetched: after a restore, the next request fetches credentials again.
    pub(crate) fn forget(&self) {
        if let Self::Endpoint(renewed) = self {
            *renewed.kept() = Kept::default();
        }
    }
}

/// Credentials that an endpoint renews. All workers share them.
pub(crate) struct RenewedCredentials {
    endpoint: Endpoint,
    ca_file: Option<PathBuf>,
    log: Log,
    kept: Mutex<Kept>,
    /// Held by the only request that fetches credentials.
    fetching: tokio::sync::Mutex<()>,
}

impl fmt::Debug for RenewedCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RenewedCredentials").finish_non_exhaustive()
    }
}

/// The last credentials, and what is known about the next ones.
#[derive(Default)]
struct Kept {
    credentials: Option<Credentials>,
    /// When they are renewed, at the earliest.
    renew_at: Option<SystemTime>,
    /// How many renewals have failed since the last success.
    failures: u32,
    /// The last failure to fetch credentials, and its time. The real-time clock may be set back.
    failure: Option<(Instant, String)>,
}

impl Kept {
    /// Returns the credentials if they are valid, and whether they should be renewed.
    fn valid(&self, now: SystemTime) -> Option<(Credentials, bool)> {
        let credentials = self.credentials.as_ref()?;
        let is_valid = credentials.expiry().is_some_and(|expiry| now < expiry);
        let is_due = self.renew_at.is_none_or(|at| at <= now);
        is_valid.then(|| (credentials.clone(), is_due))
    }

    fn succeed(&mut self, credentials: Credentials, now: SystemTime) {
        let expiry = credentials.expiry().unwrap_or(now);
        let lifetime = expiry.duration_since(now).unwrap_or_default();
        // Credentials of a short life are renewed after half of it, or each request would renew them.
        let before = (RENEW_BEFORE + up_to(JITTER)).min(lifetime / 2);
        *self = Self {
            renew_at: expiry.checked_sub(before),
            credentials: Some(credentials),
            failures: 0,
            failure: None,
        };
    }

    fn fail(&mut self, why: &str, now: SystemTime) {
        let (first, longest) = BACKOFF;
        let pause = first.saturating_mul(1 << self.failures.min(6)).min(longest);
        self.failures += 1;
        self.renew_at = now.checked_add(pause / 2 + up_to(pause / 2));
        self.failure = Some((Instant::now(), why.to_owned()));
    }

    /// Returns the failure that a request which began at this time has waited for.
    fn failure_since(&self, began: Instant) -> Option<&str> {
        let (at, why) = self.failure.as_ref()?;
        (began < *at + FAILURE_COUNTS).then_some(why)
    }
}

impl RenewedCredentials {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn get(&self) -> Result<Credentials, String> {
        let began = Instant::now();
        let valid = self.kept().valid(SystemTime::now());
        let Some((credentials, is_due)) = valid else {
            let _fetching = self.fetching.lock().await;
            return self.fetch(began).await;
        };
        if !is_due {
            return Ok(credentials);
        }
        match self.fetching.try_lock() {
            Ok(_fetching) => Ok(self.renew(credentials).await),
            // Another request renews them.
            Err(_) => Ok(credentials),
        }
    }

    /// Fetches the first credentials, unless another request has done so, or has failed, since `began`.
    async fn fetch(&self, began: Instant) -> Result<Credentials, String> {
        {
            let kept = self.kept();
            if let Some((credentials, _)) = kept.valid(SystemTime::now()) {
                return Ok(credentials);
            }
            if let Some(why) = kept.failure_since(began) {
                return Err(why.to_owned());
            }
        }
        self.ask(FETCH, &AGAIN).await
    }

    /// Renews credentials that are still valid, and returns them if that fails.
    async fn renew(&self, valid: Credentials) -> Credentials {
        let now = SystemTime::now();
        // Another request may have renewed them.
        if let Some((credentials, false)) = self.kept().valid(now) {
            return credentials;
        }
        // They are still valid after the wait.
        let left = valid
            .expiry()
            .and_then(|expiry| expiry.duration_since(now).ok());
        let limit = RENEWAL.min(left.unwrap_or_default() / 2);
        self.ask(limit, &[]).await.unwrap_or(valid)
    }

    /// Asks the endpoint, and again after each of these pauses if that fails.
    async fn ask(&self, limit: Duration, pauses: &[Duration]) -> Result<Credentials, String> {
        let attempts = async {
            let mut pauses = pauses.iter();
            loop {
                let asked = self.endpoint.ask(self.ca_file.clone(), self.log).await;
                match pauses.next() {
                    Some(&pause) if asked.is_err() => sleep(pause).await,
                    _ => return asked,
                }
            }
        };
        let asked = timeout(limit, attempts).await;
        let late = || Err(format!("it did not answer within {} ms", limit.as_millis()));
        let asked = asked.unwrap_or_else(|_| late());
        let now = SystemTime::now();
        match asked {
            Ok(credentials) => {
                self.kept().succeed(credentials.clone(), now);
                Ok(credentials)
            }
            Err(why) => {
                self.kept().fail(&why, now);
                let line = format!(
                    "the credentials cannot be fetched from {}: {why}",
                    self.endpoint
                );
                self.log.host(Level::Warn, None, &line);
                Err(why)
            }
        }
    }
}

/// Returns a time up to `longest`, by chance. Each thread has other keys, and no thread outlives a snapshot.
fn up_to(longest: Duration) -> Duration {
    let random = RandomState::new().hash_one(()) >> 32;
    let random = u32::try_from(random).unwrap_or_default();
    longest.mul_f64(f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests;
