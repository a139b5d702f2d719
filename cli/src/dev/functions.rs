//! All functions, each with its execution environments.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, Once, PoisonError, RwLock};
use std::time::{Duration, Instant};

use lambda_wasm_emulator::{Answered, Function, Functions, Invocation, LogTail, Outcome};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::interval;

use super::environment::{Claim, ExecutionEnvironment};
use super::history::History;
use super::setup::Code;

/// The shortest wait for an environment, or for its start, that is a part of an invocation.
pub(super) const WAIT_SHOWN: Duration = Duration::from_millis(1);

/// The limits of the environments.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// The most environments of one function. On Lambda, the account's concurrency is the limit.
    pub environments: usize,
    /// The most events that an environment serves at the same time. More than one makes it a Lambda
    /// Managed Instance.
    pub events: usize,
    /// The time without an event after which an environment ends.
    pub idle: Duration,
    /// Whether each has the CPU of its function's memory size.
    pub cpu: bool,
}

impl Limits {
    /// Returns the most events that a function serves at the same time.
    fn most_events(&self) -> usize {
        let most = self.environments.saturating_mul(self.events);
        most.min(Semaphore::MAX_PERMITS)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            environments: 10,
            events: 1,
            idle: Duration::from_secs(300),
            cpu: false,
        }
    }
}

/// The functions. Dropping them kills their processes.
#[derive(Default)]
pub(super) struct LocalFunctions {
    pools: RwLock<Vec<Arc<Pool>>>,
    history: Arc<History>,
    limits: Limits,
}

/// The environments of one function. As on Lambda, each serves one event at a time, unless the limits
/// allow more. When all are in use, another is added.
pub(super) struct Pool {
    pub function: Function,
    /// The address of its function URL, if it has one.
    pub url: Option<SocketAddr>,
    history: Arc<History>,
    environments: Mutex<Vec<Arc<ExecutionEnvironment>>>,
    add: Box<dyn Fn() -> Arc<ExecutionEnvironment> + Send + Sync>,
    permits: Arc<Semaphore>,
    limits: Limits,
    is_full: Once,
}

impl LocalFunctions {
    /// Creates an empty set of functions, whose invocations are added to a history.
    pub fn new(history: Arc<History>, limits: Limits) -> Self {
        Self {
            pools: RwLock::default(),
            history,
            limits,
        }
    }

    /// Adds a function of a directory, with the address of its URL, without starting it.
    pub fn add(&self, function: Function, code: &Code, url: Option<SocketAddr>) {
        let mut all = self.pools.write().unwrap_or_else(PoisonError::into_inner);
        let (history, limits) = (self.history.clone(), self.limits);
        all.push(Arc::new(Pool::new(function, code, url, history, limits)));
    }

    /// Starts an environment of each function that does not run the present files. Returns when each is
    /// ready or has failed.
    pub async fn start(&self) {
        let mut starts = JoinSet::new();
        for pool in self.all() {
            starts.spawn(async move { pool.first().start().await });
        }
        starts.join_all().await;
    }

    /// Ends the environments that have no events any more, as long as this is polled.
    pub async fn end_idle(&self) {
        const LONGEST: Duration = Duration::from_secs(10);
        let mut looks = interval((self.limits.idle / 2).clamp(Duration::from_millis(1), LONGEST));
        loop {
            looks.tick().await;
            for pool in self.all() {
                pool.end_idle().await;
            }
        }
    }

    /// Ends the environments that serve no event. Their extensions have time to end.
    pub async fn end(&self) {
        let mut ends = JoinSet::new();
        for environment in self.all().iter().flat_map(|pool| pool.environments()) {
            ends.spawn(async move { environment.end().await });
        }
        ends.join_all().await;
    }

    /// Returns the functions, each with its environments.
    pub fn all(&self) -> Vec<Arc<Pool>> {
        let all = self.pools.read().unwrap_or_else(PoisonError::into_inner);
        all.clone()
    }
}

impl Pool {
    fn new(
        function: Function,
        code: &Code,
        url: Option<SocketAddr>,
        history: Arc<History>,
        limits: Limits,
    ) -> Self {
        let code = code.clone();
        Self {
            function: function.clone(),
            url,
            history,
            environments: Mutex::default(),
            add: Box::new(move || {
                let (function, code) = (function.clone(), code.clone());
                Arc::new(ExecutionEnvironment::new(function, code, limits))
            }),
            permits: Arc::new(Semaphore::new(limits.most_events())),
            limits,
            is_full: Once::new(),
        }
    }

    fn first(&self) -> Arc<ExecutionEnvironment> {
        let all = self.environments.lock();
        let mut all = all.unwrap_or_else(PoisonError::into_inner);
        if all.is_empty() {
            all.push((self.add)());
        }
        all[0].clone()
    }

    fn environments(&self) -> Vec<Arc<ExecutionEnvironment>> {
        let environments = self.environments.lock();
        environments.unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn end_idle(&self) {
        for environment in self.environments() {
            environment.end_if_idle(self.limits.idle).await;
        }
    }

    async fn invoke(&self, invocation: Invocation, log: Option<LogTail>) -> Outcome {
        let record = self.history.begin(&self.function.name, &invocation);
        let arrived = Instant::now();
        let (environment, claim) = self.claim().await;
        if arrived.elapsed() > WAIT_SHOWN {
            record.change(|entry| entry.part("Wait for an environment", arrived));
        }
        environment.invoke(claim, record, invocation, log).await
    }

    /// Claims an environment that is not in use: an existing environment, or a new environment, or else
    /// the first that becomes free.
    async fn claim(&self) -> (Arc<ExecutionEnvironment>, Claim) {
        if self.permits.available_permits() == 0 {
            self.is_full.call_once(|| {
                super::log(&format!(
                    "{}: all {} environments of the function are in use: further events wait (--concurrency)",
                    self.function.name, self.limits.environments
                ));
            });
        }
        let mut permit = self.permits.clone().acquire_owned().await.ok();
        let free = {
            let all = self.environments.lock();
            let mut all = all.unwrap_or_else(PoisonError::into_inner);
            let mut find = |environment: &Arc<ExecutionEnvironment>| {
                let claim = environment.try_claim(&mut permit)?;
                Some((environment.clone(), claim))
            };
            let mut free = all.iter().find_map(&mut find);
            if free.is_none() && all.len() < self.limits.environments {
                let added = (self.add)();
                free = find(&added);
                all.push(added);
            }
            free
        };
        match free {
            Some(free) => free,
            None => {
                let environment = self.first();
                let claim = environment.claim(permit).await;
                (environment, claim)
            }
        }
    }
}

impl Functions for LocalFunctions {
    async fn invoke(
        &self,
        function: &str,
        invocation: Invocation,
        log: Option<LogTail>,
    ) -> Outcome {
        match self
            .all()
            .into_iter()
            .find(|pool| pool.function.name == function)
        {
            Some(pool) => pool.invoke(invocation, log).await,
            None => Outcome::Lost(format!("the function {function} does not exist")),
        }
    }

    fn find(&self, name: &str) -> Option<Function> {
        let pools = self.all();
        let pool = pools.iter().find(|pool| pool.function.name == name);
        pool.map(|pool| pool.function.clone())
    }

    fn malformed(&self, function: &str, request: &str, why: &str) {
        let why = format!("HTTP does not allow the response: {why}");
        super::log(&format!("{function}: {why}"));
        self.history.note(request, &why);
    }

    fn note(&self, function: &str, request: &str, note: &str) {
        super::log(&format!("note: {function}: {note}"));
        self.history.note(request, note);
    }

    fn refused(&self, host: &str) {
        super::log(&format!(
            "a request for the host {host} was refused, since a web page may have sent it\nhint: if the host is yours, start `dev` with --allow-host {host}"
        ));
    }

    fn answered(&self, answered: &Answered<'_>) {
        self.history.answered(answered);
    }
}

#[cfg(test)]
mod tests;
