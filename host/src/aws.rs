//! The services of AWS: the names that requests to them are signed for, and the hosts where they are.
//!
//! All of it is data. `aws/services.txt` is made from AWS's own service models by `scripts/aws-services.py`. `aws/hosts.txt`
//! has the rest, each row with its source. A row is one of these:
//!
//! - `ID NAME HOST…`: the service that SDKs call `ID` (as in `AWS_ENDPOINT_URL_<SERVICE>`, or `-`) is signed for by `NAME`.
//! - `.DOMAIN REGION`: AWS's hosts end in this domain. Hosts without a region are signed for by this one. If the domain is
//!   `shared`, a host of one label may be a customer's.
//! - `/RULE NAME…`: these services have a rule of their own for their signatures.
//!
//! A `HOST` stands before the region and the domain. `*` is a part of one label, `**` may have dots, and `{}` is the region
//! where it is elsewhere. `fips` and `dualstack` are left out. A host that ends in `!` needs Signature Version 4A. A host
//! that ends in `@` is signed for by the function's own region.

use crate::policy::nearest;

const TABLES: [&str; 2] = [
    include_str!("aws/hosts.txt"),
    include_str!("aws/services.txt"),
];

/// The region of hosts in the partition for the government of the USA that name no region.
const US_GOV: &str = "us-gov-west-1";

/// A rule of a service for its signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Paths are signed as they are sent.
    Paths,
    /// Over TLS, bodies need no hash.
    UnsignedBody,
    /// The hash of the body is a header.
    HashHeader,
    /// The length of the body is not signed.
    UnsignedLength,
    /// Bodies may come without their length.
    NoLength,
}

/// A host in a domain of AWS's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The service, unless the table has none for this host.
    pub service: Option<Listed>,
    /// The region in the host's name.
    pub region: Option<String>,
    /// The region that is meant if the name has none.
    pub global: &'static str,
    /// Whether only a service of AWS's may have this name, since it has one label before region and domain.
    pub is_plain: bool,
}

/// The table's row about a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Listed {
    /// The name that the service is signed for.
    pub name: &'static str,
    /// Whether the host is named after what a customer has there: a bucket, an account, an API.
    pub is_named_by_customer: bool,
    /// Whether it needs Signature Version 4A.
    pub is_asymmetric: bool,
    /// Whether it is signed for by the function's own region.
    pub is_of_own_region: bool,
}

/// Whether a service is signed for by this name.
#[must_use]
pub(crate) fn is_service(name: &str) -> bool {
    rows().any(|(_, known, _)| known == name)
}

/// The name in signatures of the service with this id, in lower case and without what separates its words.
#[must_use]
pub(crate) fn signing_name(id: &str) -> Option<&'static str> {
    rows().find_map(|(known, name, _)| (known == id).then_some(name))
}

/// The name in signatures that this name for a service most likely means.
#[must_use]
pub(crate) fn nearest_service(name: &str) -> Option<&'static str> {
    let lower = name.trim().to_lowercase().replace([' ', '_'], "-");
    let id = lower.replace('-', "");
    let same = rows().find(|(_, known, _)| known.eq_ignore_ascii_case(&lower));
    let at_host = || rows().find(|(_, _, hosts)| hosts.split(' ').any(|host| host == lower));
    same.map(|(_, known, _)| known)
        .or_else(|| signing_name(&id))
        .or_else(|| at_host().map(|(_, known, _)| known))
        .or_else(|| {
            let names: Vec<&str> = rows().flat_map(|(id, name, _)| [name, id]).collect();
            let near = nearest(&lower, &names)?;
            rows().find_map(|(id, name, _)| (name == near || id == near).then_some(name))
        })
}

/// Whether a service has a rule.
#[must_use]
pub(crate) fn has_rule(service: &str, rule: Rule) -> bool {
    let rule = match rule {
        Rule::Paths => "/paths",
        Rule::UnsignedBody => "/unsigned-body",
        Rule::HashHeader => "/hash-header",
        Rule::UnsignedLength => "/unsigned-length",
        Rule::NoLength => "/no-length",
    };
    lines().any(|line| {
        let names = line
            .strip_prefix(rule)
            .and_then(|rest| rest.strip_prefix(' '));
        names.is_some_and(|names| names.split(' ').any(|name| name == service))
    })
}

/// Returns the service and region of a host, if it is in a domain of AWS.
#[must_use]
pub(crate) fn place(host: &str) -> Option<Place> {
    let (before, global, is_shared) = lines().find_map(|line| {
        let (domain, region) = line.split_once(' ')?;
        let is_domain = domain.starts_with('.');
        let before = is_domain.then(|| host.strip_suffix(domain))??;
        let only = region.strip_suffix(" shared");
        Some((before, only.unwrap_or(region), only.is_some()))
    })?;
    let mut place = Place {
        service: None,
        region: None,
        global,
        is_plain: false,
    };
    let mut labels: Vec<&str> = before.split('.').collect();
    let ends_in = |labels: &[&str], last| labels.len() > 1 && labels.last() == Some(&last);
    let is_private = ends_in(&labels, "vpce");
    if is_private || ends_in(&labels, "global") {
        labels.pop();
    }
    if ends_in(&labels, "us-gov") {
        labels.pop();
        place.global = US_GOV;
    }
    if labels.last().is_some_and(|last| is_region(last)) {
        place.region = labels.pop().map(str::to_owned);
    }
    for label in &mut labels {
        *label = label.strip_suffix("-fips").unwrap_or(label);
    }
    labels.retain(|label| !["dualstack", "fips"].contains(label));
    // https://docs.aws.amazon.com/vpc/latest/privatelink/privatelink-access-aws-services.html: a customer's own service is at
    // `vpce-svc-…`.
    if is_private {
        let endpoint = labels.iter().position(|label| label.starts_with("vpce-"));
        let Some(endpoint) = endpoint else {
            return Some(place);
        };
        labels.remove(endpoint);
    }
    place.is_plain = labels.len() == 1 && !is_private && !is_shared;
    let name = labels.join(".");
    let mut best = 0;
    for (_, service, hosts) in rows() {
        for host in hosts.split(' ').filter(|host| !host.is_empty()) {
            let pattern = host.trim_end_matches(['!', '@']);
            let mut region = None;
            if !matches(pattern, &name, &mut region) {
                continue;
            }
            let literal = pattern.bytes().filter(|b| !b"*{}".contains(b)).count();
            if literal > best {
                best = literal;
                place.region = region.map(str::to_owned).or(place.region);
                place.service = Some(Listed {
                    name: service,
                    is_named_by_customer: pattern.contains('*'),
                    is_asymmetric: host.ends_with('!'),
                    is_of_own_region: host.ends_with('@'),
                });
            }
        }
    }
    Some(place)
}

/// The rows of services: the id, the name in signatures, the hosts.
fn rows() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    lines().filter_map(|line| {
        let (id, rest) = line.split_once(' ')?;
        let (name, hosts) = rest.split_once(' ').unwrap_or((rest, ""));
        (!id.starts_with(['.', '/'])).then_some((id, name, hosts))
    })
}

fn lines() -> impl Iterator<Item = &'static str> {
    let lines = TABLES.into_iter().flat_map(str::lines);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Whether a host has the form of a pattern, and the region in it.
fn matches<'a>(pattern: &str, host: &'a str, region: &mut Option<&'a str>) -> bool {
    let special = pattern.find(['*', '{']).unwrap_or(pattern.len());
    let (literal, rest) = pattern.split_at(special);
    let Some(host) = host.strip_prefix(literal) else {
        return false;
    };
    if rest.is_empty() {
        return host.is_empty();
    }
    let (is_region_here, may_have_dots) = (rest.starts_with('{'), rest.starts_with("**"));
    let rest = &rest[if is_region_here || may_have_dots {
        2
    } else {
        1
    }..];
    (1..=host.len())
        .filter(|end| host.is_char_boundary(*end))
        .take_while(|end| may_have_dots || !host[..*end].contains('.'))
        .any(|end| {
            let (part, after) = host.split_at(end);
            let fits = !is_region_here || is_region(part);
            let found = fits && matches(rest, after, region);
            if found && is_region_here {
                *region = Some(part);
            }
            found
        })
}

/// Whether it looks like a region: `eu-central-1`, `us-gov-west-1`.
#[must_use]
pub(crate) fn is_region(name: &str) -> bool {
    let parts: Vec<&str> = name.split('-').collect();
    parts.len() >= 3
        && parts[0].len() <= 4
        && parts.last().is_some_and(|last| last.parse::<u8>().is_ok())
        && parts[..parts.len() - 1]
            .iter()
            .all(|part| part.bytes().all(|b| b.is_ascii_lowercase()) && part.len() > 1)
}

#[cfg(test)]
mod tests;
