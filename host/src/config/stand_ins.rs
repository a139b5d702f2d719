//! The stand-ins that `lambda-wasm test` gives a function. No variable of them is set on Lambda.

use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;

use super::Environment;
use crate::failure::{ErrorType, Failure};

/// The variable with the address that receives all outgoing requests.
pub const TEST_ORIGINS: &str = "LAMBDA_WASM_TEST_ORIGINS";

/// The variable with the time of the function's wall clock.
pub const TEST_TIME: &str = "LAMBDA_WASM_TEST_TIME";

/// The parts of the world that a test replaces.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StandIns {
    /// The address that receives all outgoing requests, in place of their origins.
    pub origins: Option<SocketAddr>,
    /// The time since 1970 that the function's wall clock always shows. The host's own clock is not replaced.
    pub time: Option<Duration>,
}

impl Environment {
    /// Returns the stand-ins that a test has set.
    ///
    /// # Errors
    ///
    /// Returns an error that names the variable if it is invalid. The address has to be this machine's, so that the variable
    /// can lead no request of a deployed function away.
    pub(super) fn stand_ins(&self) -> Result<StandIns, Failure> {
        Ok(StandIns {
            origins: self.parsed(TEST_ORIGINS, "a loopback address with a port", |value| {
                let address: SocketAddr = value.parse().ok()?;
                address.ip().is_loopback().then_some(address)
            })?,
            time: self.parsed(TEST_TIME, "a time of RFC 3339 from 1970 on", |value| {
                let time: Timestamp = value.parse().ok()?;
                time.as_duration().try_into().ok()
            })?,
        })
    }

    fn parsed<T>(
        &self,
        name: &str,
        kind: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Failure> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let invalid = || {
            let text = format!("{name} is {value:?}, and it has to be {kind}");
            Failure::new(ErrorType::InvalidConfiguration, text)
        };
        parse(value).map(Some).ok_or_else(invalid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(address: &str) -> Option<StandIns> {
        Environment::from_pairs(&[(TEST_ORIGINS, address)])
            .stand_ins()
            .ok()
    }

    #[test]
    fn requests_can_be_led_to_this_machine_only() {
        let none = Environment::from_pairs(&[]).stand_ins().unwrap();
        assert_eq!(none, StandIns::default());
        for address in ["127.0.0.1:8080", "[::1]:8080"] {
            let found = origins(address).unwrap();
            assert_eq!(found.origins, Some(address.parse().unwrap()));
        }
        for address in ["10.0.0.1:80", "0.0.0.0:80", "localhost:80", "127.0.0.1"] {
            assert_eq!(origins(address), None, "{address}");
        }
    }

    #[test]
    fn the_time_is_one_that_wasi_can_say() {
        let time = |time| Environment::from_pairs(&[(TEST_TIME, time)]).stand_ins();
        let found = time("1970-01-02T01:00:00.5+01:00").unwrap();
        assert_eq!(found.time, Some(Duration::from_millis(86_400_500)));
        for invalid in ["1969-12-31T23:59:59Z", "2026-01-01", "now"] {
            let failure = time(invalid).unwrap_err();
            assert_eq!(failure.error_type.as_str(), "Runtime.InvalidConfiguration");
        }
    }
}
