//! The outgoing requests, told to a tool that shows them: `lambda-wasm dev`.
//!
//! Each event is a datagram of JSON to a Unix socket, so that the function's log does not change. An event that the tool does not
//! take in time is lost.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::{Observer, RequestBegun, RequestDenied, RequestEnded, RequestId, RequestOutcome};

/// The variable with the path of the socket. It is not set on Lambda.
pub const VARIABLE: &str = "LAMBDA_WASM_TRACE";

/// The longest wait for the tool, which takes one event after the other.
const PATIENCE: Duration = Duration::from_millis(20);

/// Tells a tool about the outgoing requests.
#[derive(Debug)]
pub struct Trace(UnixDatagram);

impl Trace {
    /// Connects to the socket of a tool.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no socket.
    pub fn connect(path: &Path) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.connect(path)?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(Self(socket))
    }

    fn tell(&self, request: &RequestId<'_>, event: &str, mut fields: Value) {
        let Some(invocation) = request.invocation else {
            return;
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let micros = now.unwrap_or_default().as_micros();
        fields["event"] = event.into();
        fields["invocation"] = (&*invocation.id).into();
        fields["number"] = request.number.into();
        fields["at"] = u64::try_from(micros).unwrap_or(u64::MAX).into();
        // The tool may have ended, or may be late.
        let _ = self.0.send(fields.to_string().as_bytes());
    }
}

impl Observer for Trace {
    fn request_begun(&self, event: &RequestBegun<'_>) {
        let fields = json!({
            "method": event.method.as_str(),
            "url": format!("{}{}", event.request.origin, event.path),
            "signed": event.signed,
            "unsigned": event.unsigned.map(ToString::to_string),
        });
        self.tell(&event.request, "begun", fields);
    }

    fn request_denied(&self, event: &RequestDenied<'_>) {
        let fields = json!({
            "method": event.method.as_str(),
            "url": format!("{}{}", event.request.origin, event.path),
            "result": format!("denied: {}", event.why),
        });
        self.tell(&event.request, "denied", fields);
    }

    fn request_ended(&self, event: &RequestEnded<'_>) {
        let result = match event.outcome {
            RequestOutcome::Answered(status) => status.as_u16().to_string(),
            RequestOutcome::Failed { code, cause } => match cause {
                Some(cause) => format!("{code}: {cause}"),
                None => code.to_string(),
            },
            RequestOutcome::Dropped => "dropped by the function".to_owned(),
        };
        self.tell(&event.request, "ended", json!({ "result": result }));
    }
}
