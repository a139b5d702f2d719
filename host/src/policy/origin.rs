//! Origins, such as `https://api.example.com`, which a function may send requests to.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use http::Uri;
use http::uri::Authority;

use super::value::{nearest, read_from_str};

/// A scheme, a host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Whether the connection is encrypted.
    pub scheme: Scheme,
    /// The hosts.
    pub host: Host,
    /// The port. If the file has none, it is the scheme's own.
    pub port: u16,
}

/// The scheme of an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// `http`
    Http,
    /// `https`
    Https,
}

/// The hosts of an origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// The host of this name, in lower case. `localhost` is a name.
    Name(String),
    /// All hosts with one label before this name: `*.example.com`.
    Wildcard(String),
    /// The host of this address, written as an address.
    Address(IpAddr),
}

impl Scheme {
    /// Returns the port of an origin that names none.
    #[must_use]
    pub fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

read_from_str!(Origin);

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|cause| format!("the origin \"{text}\" {cause}"))
    }
}

impl Origin {
    /// Returns the origin of a URI, or `None` if the URI has none, or has a user.
    #[must_use]
    pub fn from_uri(uri: &Uri) -> Option<Self> {
        let scheme = match uri.scheme_str()? {
            "https" => Scheme::Https,
            "http" => Scheme::Http,
            _ => return None,
        };
        let (host, port) = split(uri.authority()?).ok()?;
        // A dot at the end makes a name absolute, as all names here are.
        let host = Host::parse(host.strip_suffix('.').unwrap_or(host)).ok()?;
        (!matches!(host, Host::Wildcard(_))).then(|| Self {
            scheme,
            host,
            port: port.unwrap_or_else(|| scheme.port()),
        })
    }

    /// Returns `true` if a request to `other` is a request to this origin.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.scheme == other.scheme && self.port == other.port && self.host.matches(&other.host)
    }

    /// Returns the host, and the port unless it is the scheme's own.
    #[must_use]
    pub fn authority(&self) -> String {
        if self.port == self.scheme.port() {
            self.host.to_string()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// Returns `true` if the file names one machine: by its address, or as `localhost`.
    #[must_use]
    pub fn is_ip_or_localhost(&self) -> bool {
        match &self.host {
            Host::Name(_) => self.host.is_localhost(),
            Host::Wildcard(_) => false,
            Host::Address(_) => true,
        }
    }

    /// Parses an origin.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with the text, as a predicate of it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| format!("has no scheme\nhint: did you mean \"https://{text}\"?"))?;
        let scheme = match scheme {
            "https" => Scheme::Https,
            "http" => Scheme::Http,
            other => {
                let near = nearest(other, &["https", "http"]).unwrap_or("https");
                return Err(format!(
                    "has no scheme that is known\nhint: did you mean \"{near}://{rest}\"?"
                ));
            }
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority != rest {
            let origin = &text[..text.len() - rest.len() + authority.len()];
            return Err(format!(
                "has a path, but an origin has none\nhint: did you mean \"{origin}\"?"
            ));
        }
        let parsed: Authority = authority.parse().map_err(|_| invalid(authority))?;
        let (host, port) = split(&parsed)?;
        let host = Host::parse(host)?;
        let origin = Self {
            scheme,
            host,
            port: port.unwrap_or_else(|| scheme.port()),
        };
        if port.is_none() && origin.is_ip_or_localhost() {
            return Err(format!(
                "needs a port, since it is an address or localhost: such as \"{text}:8080\""
            ));
        }
        Ok(origin)
    }
}

/// Returns what is wrong with an authority that no URI can have.
fn invalid(authority: &str) -> String {
    if authority.starts_with('[') && !authority.contains(']') {
        return "has no `]` behind the IPv6 address".to_owned();
    }
    if authority.parse::<Ipv6Addr>().is_ok() {
        return format!(
            "has an IPv6 address without brackets\nhint: write it as \"[{authority}]\""
        );
    }
    no_host(authority)
}

fn no_host(text: &str) -> String {
    format!("has no host: \"{text}\" is neither a name (in ASCII) nor an address")
}

/// Returns the host and the port of an authority.
fn split(authority: &Authority) -> Result<(&str, Option<u16>), String> {
    let text = authority.as_str();
    if text.contains('@') {
        return Err("has a user, but an origin has none".to_owned());
    }
    let (host, port) = text.split_at(authority.host().len());
    let Some(digits) = port.strip_prefix(':') else {
        return Ok((host, None));
    };
    let port = digits.parse().ok().filter(|port| *port > 0);
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    match port.filter(|_| is_plain) {
        Some(port) => Ok((host, Some(port))),
        None => Err(format!(
            "has the port \"{digits}\", but ports are from 1 to 65535"
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
        // A name that ends in a number is another form of an address.
        let last = name.rsplit('.').next().unwrap_or_default();
        if name.len() > 253
            || !name.split('.').all(is_label)
            || last.starts_with(|c: char| c.is_ascii_digit())
        {
            return Err(no_host(text));
        }
        match is_wild {
            true if !name.contains('.') => Err(format!("is too wide: all of .{name}")),
            true => Ok(Self::Wildcard(name)),
            false => Ok(Self::Name(name)),
        }
    }

    fn matches(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Wildcard(parent), Self::Name(name)) => {
                name.split_once('.').is_some_and(|(_, rest)| rest == parent)
            }
            _ => self == other,
        }
    }

    /// Returns `true` for `localhost`.
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
            Self::Wildcard(name) => write!(f, "*.{name}"),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Address(address) => write!(f, "{address}"),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        if self.port != self.scheme.port() || self.is_ip_or_localhost() {
            write!(f, ":{}", self.port)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
