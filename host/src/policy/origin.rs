//! Where a function may send requests to: origins, as in `https://api.example.com`.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use http::Uri;

use super::value::nearest;

/// A scheme, a host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Whether the connection is encrypted.
    pub scheme: Scheme,
    /// Which hosts.
    pub host: Host,
    /// The port: where the file has none, the scheme's own.
    pub port: u16,
}

/// How requests are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// `http`
    Http,
    /// `https`
    Https,
}

/// Which hosts an origin is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// The one of this name, in lower case. `localhost` is one.
    Name(String),
    /// All that have one label more than this, before it: `*.example.com`.
    Below(String),
    /// The one of this address, written as such.
    Address(IpAddr),
}

impl Scheme {
    /// The port of an origin that names none.
    #[must_use]
    pub fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl Origin {
    /// Where a request to this URI goes; `None` if the URI does not say, or has a user in it.
    #[must_use]
    pub fn of(uri: &Uri) -> Option<Self> {
        let scheme = match uri.scheme_str()? {
            "https" => Scheme::Https,
            "http" => Scheme::Http,
            _ => return None,
        };
        let authority = uri.authority()?.as_str();
        let (host, port) = split(authority).ok()?;
        // A dot at its end makes a name absolute, which all names here are.
        let host = Host::parse(host.strip_suffix('.').unwrap_or(host)).ok()?;
        (!matches!(host, Host::Below(_))).then(|| Self {
            scheme,
            host,
            port: port.unwrap_or_else(|| scheme.port()),
        })
    }

    /// Whether a request that goes to `other` goes to here.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.scheme == other.scheme && self.port == other.port && self.host.covers(&other.host)
    }

    /// The host, and the port unless it is the scheme's own.
    #[must_use]
    pub fn authority(&self) -> String {
        if self.port == self.scheme.port() {
            self.host.to_string()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// Whether the file writes down the very machine: its address, or `localhost`.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        match &self.host {
            Host::Name(_) => self.host.is_localhost(),
            Host::Below(_) => false,
            Host::Address(_) => true,
        }
    }

    /// Reads one.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words that go on from the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| format!("has no scheme; did you mean \"https://{text}\"?"))?;
        let scheme = match scheme {
            "https" => Scheme::Https,
            "http" => Scheme::Http,
            other => {
                let near = nearest(other, &["https", "http"]).unwrap_or("https");
                return Err(format!(
                    "has no scheme that is known; did you mean \"{near}://{rest}\"?"
                ));
            }
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority != rest {
            let origin = &text[..text.len() - rest.len() + authority.len()];
            return Err(format!(
                "has a path, and an origin has none; did you mean \"{origin}\"?"
            ));
        }
        if authority.contains('@') {
            return Err("has a user, and an origin has none".to_owned());
        }
        let (host, port) = split(authority)?;
        let host = Host::parse(host)?;
        let origin = Self {
            scheme,
            host,
            port: port.unwrap_or_else(|| scheme.port()),
        };
        if port.is_none() && origin.is_literal() {
            return Err(format!(
                "needs a port, since it is an address or localhost: such as \"{text}:8080\""
            ));
        }
        Ok(origin)
    }
}

/// The host and the port of an authority.
fn split(authority: &str) -> Result<(&str, Option<u16>), String> {
    let end_of_host = authority.rfind(']').map_or(0, |bracket| bracket + 1);
    let Some(colon) = authority[end_of_host..].find(':') else {
        return Ok((authority, None));
    };
    let (host, port) = authority.split_at(end_of_host + colon);
    let digits = &port[1..];
    let port = digits.parse().ok().filter(|port| *port > 0);
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    match port.filter(|_| is_plain) {
        Some(port) => Ok((host, Some(port))),
        None => Err(format!(
            "has the port \"{digits}\", and ports are from 1 to 65535"
        )),
    }
}

impl Host {
    fn parse(text: &str) -> Result<Self, String> {
        if let Some(inner) = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            let address: Ipv6Addr = inner
                .parse()
                .map_err(|_| "has no IPv6 address in its brackets".to_owned())?;
            return Ok(Self::Address(address.into()));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Address(address));
        }
        let name = text.to_ascii_lowercase();
        let (is_wild, name) = match name.strip_prefix("*.") {
            Some(rest) => (true, rest.to_owned()),
            None => (false, name),
        };
        if name.contains('*') {
            return Err(
                "may have `*` as its first label only, for one label: \"https://*.example.com\""
                    .to_owned(),
            );
        }
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        };
        // What ends in a number is another way to write an address.
        let last = name.rsplit('.').next().unwrap_or_default();
        if name.len() > 253
            || !name.split('.').all(is_label)
            || last.starts_with(|c: char| c.is_ascii_digit())
        {
            return Err(format!(
                "has no host: \"{text}\" is neither a name (in ASCII) nor an address"
            ));
        }
        match is_wild {
            true if !name.contains('.') => Err(format!("is too wide: all of .{name}")),
            true => Ok(Self::Below(name)),
            false => Ok(Self::Name(name)),
        }
    }

    fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Below(parent), Self::Name(name)) => {
                name.split_once('.').is_some_and(|(_, rest)| rest == parent)
            }
            _ => self == other,
        }
    }

    /// Whether it is the name of this machine for itself.
    #[must_use]
    pub fn is_localhost(&self) -> bool {
        matches!(self, Self::Name(name) if name == "localhost")
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "http",
            Self::Https => "https",
        })
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "{name}"),
            Self::Below(name) => write!(f, "*.{name}"),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Address(address) => write!(f, "{address}"),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        if self.port != self.scheme.port() || self.is_literal() {
            write!(f, ":{}", self.port)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_covers_its_host_and_port() {
        let covers = |origin: &str, uri: String| {
            let asked = Origin::of(&uri.parse().unwrap());
            asked.is_some_and(|asked| Origin::parse(origin).unwrap().covers(&asked))
        };
        for (origin, host, port, is_covered) in [
            ("https://api.example.com", "API.example.com", 443, true),
            ("https://api.example.com", "api.example.com", 8443, false),
            (
                "https://api.example.com",
                "api.example.com.evil.org",
                443,
                false,
            ),
            ("https://*.example.com:8443", "a.example.com", 8443, true),
            ("https://*.example.com:8443", "a.b.example.com", 8443, false),
            ("https://*.example.com:8443", "example.com", 8443, false),
            ("https://*.example.com:8443", ".example.com", 8443, false),
            ("https://api.example.com", "api.example.com.", 443, true),
            ("https://127.0.0.1:1", "127.0.0.1", 1, true),
            ("https://[::1]:1", "[0:0::1]", 1, true),
            ("https://[::1]:1", "127.0.0.1", 1, false),
        ] {
            assert_eq!(
                covers(origin, format!("https://{host}:{port}/a?b")),
                is_covered,
                "{origin} {host}:{port}"
            );
            assert!(
                !covers(origin, format!("http://{host}:{port}/")),
                "{origin}"
            );
        }
        let api = "https://api.example.com";
        assert!(covers(api, format!("{api}/")));
        for other in [
            "https://user@api.example.com/",
            "https://api.example.com@evil.org/",
            "/a",
        ] {
            assert!(!covers(api, other.to_owned()), "{other}");
        }
        assert!(Origin::of(&"https://*.example.com/".parse().unwrap()).is_none());
    }

    #[test]
    fn each_is_written_as_it_is_read() {
        for origin in [
            "https://api.example.com",
            "http://*.example.com:8080",
            "http://localhost:2772",
            "https://[::1]:443",
            "http://10.0.0.1:80",
        ] {
            assert_eq!(Origin::parse(origin).unwrap().to_string(), origin);
        }
        assert!(Origin::parse("http://localhost:1").unwrap().is_literal());
    }

    #[test]
    fn what_is_none_is_told_why() {
        insta::assert_snapshot!(
            [
                "api.example.com",
                "htps://api.example.com",
                "ftp://api.example.com",
                "https://api.example.com/",
                "https://api.example.com/v1?x",
                "https://user@api.example.com",
                "https://",
                "https://api.*.com",
                "https://*",
                "https://*.com",
                "https://*.*.example.com",
                "https://gr\u{fc}n.example",
                "https://api.example.com.",
                "https://api.example.com:0",
                "https://api.example.com:99999",
                "https://api.example.com:+80",
                "https://2130706433",
                "https://127.1",
                "https://[::1",
                "https://[nine]:1",
                "http://localhost",
                "http://127.0.0.1",
                "http://[::1]",
            ]
            .map(|text| format!("{text} {}", Origin::parse(text).unwrap_err()))
            .join("\n"),
            @r#"
            api.example.com has no scheme; did you mean "https://api.example.com"?
            htps://api.example.com has no scheme that is known; did you mean "https://api.example.com"?
            ftp://api.example.com has no scheme that is known; did you mean "https://api.example.com"?
            https://api.example.com/ has a path, and an origin has none; did you mean "https://api.example.com"?
            https://api.example.com/v1?x has a path, and an origin has none; did you mean "https://api.example.com"?
            https://user@api.example.com has a user, and an origin has none
            https:// has no host: "" is neither a name (in ASCII) nor an address
            https://api.*.com may have `*` as its first label only, for one label: "https://*.example.com"
            https://* may have `*` as its first label only, for one label: "https://*.example.com"
            https://*.com is too wide: all of .com
            https://*.*.example.com may have `*` as its first label only, for one label: "https://*.example.com"
            https://grün.example has no host: "grün.example" is neither a name (in ASCII) nor an address
            https://api.example.com. has no host: "api.example.com." is neither a name (in ASCII) nor an address
            https://api.example.com:0 has the port "0", and ports are from 1 to 65535
            https://api.example.com:99999 has the port "99999", and ports are from 1 to 65535
            https://api.example.com:+80 has the port "+80", and ports are from 1 to 65535
            https://2130706433 has no host: "2130706433" is neither a name (in ASCII) nor an address
            https://127.1 has no host: "127.1" is neither a name (in ASCII) nor an address
            https://[::1 has the port ":1", and ports are from 1 to 65535
            https://[nine]:1 has no IPv6 address in its brackets
            http://localhost needs a port, since it is an address or localhost: such as "http://localhost:8080"
            http://127.0.0.1 needs a port, since it is an address or localhost: such as "http://127.0.0.1:8080"
            http://[::1] needs a port, since it is an address or localhost: such as "http://[::1]:8080"
            "#
        );
    }
}
