//! The rules of the Extensions API, without I/O: the extensions that are registered, and their events.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::Refused;
use crate::runtime_api::state::Timer;

/// The most extensions of a function: "Init phase" in
/// <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html>.
const MOST: usize = 10;

/// The extensions of an environment.
#[derive(Default)]
pub(in crate::runtime_api) struct Extensions {
    /// The names of the external extensions that were started and have not registered.
    expected: BTreeSet<String>,
    registered: Vec<Extension>,
    /// The attempt that extensions take part in, and the timer of its deadline.
    invocation: Option<(usize, Timer)>,
    is_shutting_down: bool,
}

/// An extension that has registered.
struct Extension {
    id: Uuid,
    name: String,
    /// Whether it is a process of its own. An internal extension is a part of the runtime's process.
    is_external: bool,
    takes_invoke: bool,
    takes_shutdown: bool,
    phase: Phase,
    /// Whether it has called `next`.
    is_initialized: bool,
    /// The event that its next call of `next` returns.
    event: Option<Value>,
    /// Whether it has got the event SHUTDOWN.
    is_told: bool,
}

/// The phase of an extension, by the name that Lambda's errors give it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Registered,
    /// It waits in `next`.
    Ready,
    Running,
    InitError,
    ExitError,
    Exited,
}

/// The kind of an error that an extension reports.
#[derive(Clone, Copy)]
pub(in crate::runtime_api) enum Report {
    Init,
    Exit,
}

/// The rules of registrations.
#[derive(Clone, Copy)]
pub(in crate::runtime_api) struct Registrations {
    /// Whether the runtime has not called `next`.
    pub are_open: bool,
    /// Whether the function runs on a Lambda Managed Instance.
    pub are_managed: bool,
}

/// The body of `register`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Registration {
    #[serde(default)]
    events: Vec<String>,
    #[serde(default)]
    configuration_keys: Vec<String>,
}

impl Extensions {
    /// Notes the names of external extensions that are about to be started.
    pub fn expect(&mut self, names: impl IntoIterator<Item = String>) {
        self.expected.extend(names);
    }

    /// Registers an extension, and returns its identifier.
    pub fn register(
        &mut self,
        name: &str,
        body: &[u8],
        rules: Registrations,
    ) -> Result<Uuid, Refused> {
        if name.is_empty() {
            let error_type = "Extension.InvalidExtensionName";
            return Err(Refused::new(error_type, "Empty extension name"));
        }
        let invalid = |why: String| Refused::new("InvalidRequestFormat", why);
        // Serde also takes an array for a structure.
        let object: Result<Map<String, Value>, _> = serde_json::from_slice(body);
        let registration = object.and_then(|object| Registration::deserialize(Value::from(object)));
        let registration = registration.map_err(|error| invalid(error.to_string()))?;
        if !registration.configuration_keys.is_empty() {
            let why = "configurationKeys are deprecated; use environment variables instead";
            return Err(invalid(why.to_owned()));
        }
        let known = self.registered.iter().find(|known| known.name == name);
        let is_external =
            self.expected.contains(name) || known.is_some_and(|known| known.is_external);
        for event in &registration.events {
            check_event(event, is_external, rules.are_managed)?;
        }
        let count = self.expected.len() + self.registered.len();
        let too_many = || {
            let why = format!("Extension limit ({MOST}) reached");
            Refused::new("Extension.TooManyExtensions", why)
        };
        match known {
            Some(known) if is_external => {
                return Err(not_allowed(known.phase, Phase::Registered, name));
            }
            // It counts already.
            None if is_external && count > MOST => return Err(too_many()),
            None if is_external => {}
            _ if !rules.are_open => {
                let error_type = "Extension.RegistrationClosed";
                let why = "Extension registration closed already";
                return Err(Refused::new(error_type, why));
            }
            _ if count >= MOST => return Err(too_many()),
            Some(_) => {
                let error_type = "Extension.InvalidExtensionState";
                let why = "Extension with this name already registered";
                return Err(Refused::new(error_type, why));
            }
            None => {}
        }
        self.expected.remove(name);
        let id = Uuid::new_v4();
        let takes = |event: &str| registration.events.iter().any(|taken| taken == event);
        self.registered.push(Extension {
            id,
            name: name.to_owned(),
            is_external,
            takes_invoke: takes("INVOKE"),
            takes_shutdown: takes("SHUTDOWN"),
            phase: Phase::Registered,
            is_initialized: false,
            event: None,
            is_told: false,
        });
        Ok(id)
    }

    /// Returns the name of an extension, or its identifier if it is not registered.
    pub fn name(&self, id: &str) -> String {
        let mut all = self.registered.iter();
        let known = all.find(|extension| extension.id.to_string() == id);
        known.map_or_else(|| id.to_owned(), |extension| extension.name.clone())
    }

    /// Returns the names of those that have to register yet.
    pub fn missing(&self) -> Vec<String> {
        self.expected.iter().cloned().collect()
    }

    /// Returns whether each external extension that was started has registered.
    pub fn are_registered(&self) -> bool {
        self.expected.is_empty()
    }

    /// Returns whether all extensions are initialized, and those of the last invocation are done with it.
    pub fn are_ready(&self) -> bool {
        self.expected.is_empty() && self.registered.iter().all(Extension::is_ready)
    }

    /// Begins a call of `next`.
    pub fn enter_next(&mut self, id: Uuid) -> Result<(), Refused> {
        let extension = self.get(id).ok_or_else(|| {
            let error_type = "Extension.UnknownExtensionIdentifier";
            Refused::new(error_type, format!("Unknown extension {id}"))
        })?;
        if !matches!(extension.phase, Phase::Registered | Phase::Running) {
            return Err(not_allowed(extension.phase, Phase::Ready, &id.to_string()));
        }
        extension.phase = Phase::Ready;
        extension.is_initialized = true;
        if self.are_ready() {
            self.invocation = None;
        }
        Ok(())
    }

    /// Ends a call of `next` whose connection was closed. An event stays for the next call.
    pub fn leave_next(&mut self, id: Uuid) {
        if let Some(extension) = self.get(id)
            && extension.phase == Phase::Ready
        {
            extension.phase = Phase::Running;
        }
    }

    /// Returns whether an event waits for an extension.
    pub fn has_event(&self, id: Uuid) -> bool {
        let mut all = self.registered.iter();
        all.any(|extension| extension.id == id && extension.event.is_some())
    }

    /// Returns the event of an extension that waits in `next`.
    pub fn take_event(&mut self, id: Uuid) -> Option<Value> {
        let extension = self.get(id)?;
        let event = extension.event.take()?;
        extension.phase = Phase::Running;
        extension.is_told = event["eventType"] == "SHUTDOWN";
        Some(event)
    }

    /// Returns whether an extension has registered for invocations.
    pub fn take_invoke(&self) -> bool {
        self.registered.iter().any(|one| one.takes_invoke)
    }

    /// Gives the event of an invocation to all extensions that have registered for it, with the timer of
    /// its deadline.
    pub fn invoke(&mut self, event: &Value, attempt: usize, timer: Timer) {
        for extension in self.registered.iter_mut().filter(|one| one.takes_invoke) {
            extension.event = Some(event.clone());
        }
        self.invocation = Some((attempt, timer));
    }

    /// Returns the names of the extensions that still take part in an attempt.
    pub fn busy_with(&self, attempt: usize) -> Vec<String> {
        if self.invocation.as_ref().map(|(present, _)| *present) != Some(attempt) {
            return Vec::new();
        }
        let busy = self.registered.iter().filter(|one| !one.is_ready());
        busy.map(|extension| extension.name.clone()).collect()
    }

    /// Notes an error that an extension reports, and returns the extension's name.
    pub fn report(&mut self, id: Uuid, report: Report) -> Result<String, Refused> {
        let extension = self.get(id).ok_or_else(|| {
            let error_type = "Extension.UnknownExtensionIdentifier";
            Refused::new(error_type, "Unknown Lambda-Extension-Identifier")
        })?;
        let (phase, is_allowed) = match (report, extension.phase) {
            (Report::Init, phase) => (
                Phase::InitError,
                matches!(phase, Phase::Registered | Phase::InitError),
            ),
            (Report::Exit, phase) => (
                Phase::ExitError,
                !matches!(phase, Phase::InitError | Phase::Exited),
            ),
        };
        if !is_allowed {
            return Err(not_allowed(extension.phase, phase, &id.to_string()));
        }
        extension.phase = phase;
        Ok(extension.name.clone())
    }

    /// Notes that the process of an external extension has ended. Returns whether that is a failure.
    pub fn exited(&mut self, name: &str) -> bool {
        let was_expected = self.expected.remove(name);
        let mut all = self.registered.iter_mut();
        let known = all.find(|extension| extension.is_external && extension.name == name);
        let was_known = known.map(|known| known.phase = Phase::Exited).is_some();
        (was_expected || was_known) && !self.is_shutting_down
    }

    /// Returns whether internal extensions have registered, and whether there are external ones.
    pub fn kinds(&self) -> (bool, bool) {
        let any = |is_external| {
            let mut all = self.registered.iter();
            all.any(|extension| extension.is_external == is_external)
        };
        (any(false), any(true) || !self.expected.is_empty())
    }

    /// Gives the event SHUTDOWN to all extensions that have registered for it.
    pub fn shut_down(&mut self, event: &Value) {
        self.is_shutting_down = true;
        self.invocation = None;
        for extension in self.registered.iter_mut().filter(|one| one.takes_shutdown) {
            extension.event = Some(event.clone());
        }
    }

    /// Returns whether each extension that gets SHUTDOWN has exited, or has called `next` after it.
    pub fn are_shut_down(&self) -> bool {
        let mut takers = self.registered.iter().filter(|one| one.takes_shutdown);
        takers.all(|extension| match extension.phase {
            Phase::Ready => extension.is_told,
            Phase::Registered | Phase::Running => false,
            Phase::InitError | Phase::ExitError | Phase::Exited => true,
        })
    }

    fn get(&mut self, id: Uuid) -> Option<&mut Extension> {
        self.registered
            .iter_mut()
            .find(|extension| extension.id == id)
    }
}

impl Extension {
    fn is_ready(&self) -> bool {
        match self.takes_invoke {
            true => self.phase == Phase::Ready && self.event.is_none(),
            false => self.is_initialized,
        }
    }
}

fn check_event(event: &str, is_external: bool, is_managed: bool) -> Result<(), Refused> {
    let why = match (event, is_external) {
        (_, false) if is_managed => "No events allowed for internal extensions",
        ("INVOKE", _) if is_managed => "ErrorInvalidEventType",
        ("INVOKE", _) | ("SHUTDOWN", true) => return Ok(()),
        ("SHUTDOWN", false) => "ShutdownEventNotSupportedForInternalExtension",
        _ => "ErrorInvalidEventType",
    };
    let error_type = "Extension.InvalidEventType";
    Err(Refused::new(error_type, format!("{event}: {why}")))
}

fn not_allowed(from: Phase, to: Phase, extension: &str) -> Refused {
    let why = format!(
        "State transition from {from:?} to {to:?} failed for extension {extension}. Error: State transition is not allowed"
    );
    Refused::new("Extension.InvalidExtensionState", why)
}
