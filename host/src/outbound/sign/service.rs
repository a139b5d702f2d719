//! Finds the AWS service of a request, by AWS's own hosts and by the endpoints in the environment.
//!
//! A signature carries the session's token, so it must not go to a host of a customer. Load balancers, virtual machines and
//! private links have names in `amazonaws.com` too.

use http::Uri;

use super::Refusal;
use super::credential_scope::CredentialScope;
use crate::aws::{Rule, has_rule, place, signing_name};
use crate::config::Environment;
use crate::policy::{Host, Origin};

const S3: &str = "s3";

/// The region to sign for if the environment does not name a region.
const GLOBAL: &str = "us-east-1";

/// A service in a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Service {
    /// The name in signatures.
    pub name: String,
    /// The region.
    pub region: String,
}

impl Service {
    /// Returns whether the service has this rule.
    #[must_use]
    pub(super) fn has(&self, rule: Rule) -> bool {
        has_rule(&self.name, rule)
    }
}

/// The endpoints that the environment names, by the variables of
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>.
#[derive(Debug, Default)]
pub(super) struct Endpoints {
    /// The endpoints of single services.
    named: Vec<(Origin, &'static str)>,
    /// The endpoint of all services.
    all: Option<Origin>,
    /// The region of the endpoints, if the request does not name it.
    region: String,
}

impl Endpoints {
    /// Reads the endpoints in the environment, which are in this region.
    #[must_use]
    pub(super) fn from_environment(environment: &Environment, region: Option<&str>) -> Self {
        let mut endpoints = Self {
            region: region.unwrap_or(GLOBAL).to_owned(),
            ..Self::default()
        };
        for (name, value) in environment.starting("AWS_ENDPOINT_URL") {
            let Some(origin) = value
                .parse()
                .ok()
                .and_then(|uri: Uri| Origin::from_uri(&uri))
            else {
                continue;
            };
            match name.strip_prefix('_') {
                Some(id) => {
                    let id = id.to_ascii_lowercase().replace('_', "");
                    let name = signing_name(&id);
                    endpoints.named.extend(name.map(|name| (origin, name)));
                }
                None if name.is_empty() => endpoints.all = Some(origin),
                None => (),
            }
        }
        endpoints
    }

    /// Returns the services that the environment puts at an origin: the named services, or all services in `sign`.
    fn here<'a>(&'a self, origin: &Origin, sign: &'a [String]) -> Vec<&'a str> {
        let is_here = |(endpoint, name): &&(Origin, &str)| {
            endpoint == origin || (*name == S3 && is_bucket(origin, endpoint))
        };
        let named = self.named.iter().filter(is_here);
        let mut names: Vec<&str> = named.map(|(_, name)| *name).collect();
        // Several variables may be of one service.
        names.sort_unstable();
        names.dedup();
        if names.is_empty() && self.all.as_ref() == Some(origin) {
            return sign.iter().map(String::as_str).collect();
        }
        let is_for_all =
            |all: &Origin| is_bucket(origin, all) && sign.iter().any(|name| name == S3);
        if names.is_empty() && self.all.as_ref().is_some_and(is_for_all) {
            return vec![S3];
        }
        names
    }

    /// Returns the service of a request, by its origin. If the origin belongs to several services, the scope of its signature
    /// decides, or the services in `sign`.
    ///
    /// # Errors
    ///
    /// Returns the reason if the service cannot be determined.
    pub(super) fn service(
        &self,
        origin: &Origin,
        scope: Option<&CredentialScope>,
        sign: &[String],
    ) -> Result<Service, Refusal> {
        let names = self.here(origin, sign);
        if names.is_empty() {
            return self.aws_service(&origin.host, scope);
        }
        match (scope, &names[..]) {
            (Some(scope), _) => Ok(Service {
                name: scope.service.clone(),
                region: scope.region.clone(),
            }),
            (None, [name]) => Ok(Service {
                name: (*name).to_owned(),
                region: self.region.clone(),
            }),
            (None, names) => Err(Refusal::Several(names.join(", "))),
        }
    }

    /// Returns the service of a host in AWS's domains.
    fn aws_service(
        &self,
        host: &Host,
        scope: Option<&CredentialScope>,
    ) -> Result<Service, Refusal> {
        let Host::Name(host) = host else {
            return Err(Refusal::Endpoint);
        };
        let place = place(host).ok_or(Refusal::Endpoint)?;
        let (name, is_of_own_region) = match (place.service, scope) {
            (Some(listed), _) if listed.is_asymmetric => return Err(Refusal::Asymmetric),
            // The signer knows the service better than a table.
            (Some(listed), Some(scope)) if !listed.is_named_by_customer => {
                (&*scope.service, listed.is_of_own_region)
            }
            (Some(listed), _) => (listed.name, listed.is_of_own_region),
            (None, Some(scope)) if place.is_plain => (&*scope.service, false),
            (None, _) => return Err(Refusal::Host),
        };
        let global = if is_of_own_region {
            &self.region
        } else {
            place.global
        };
        let scoped = scope.map(|scope| &*scope.region);
        let region = place.region.as_deref().or(scoped).unwrap_or(global);
        Ok(Service {
            name: name.to_owned(),
            region: region.to_owned(),
        })
    }
}

/// Returns whether an origin is a bucket of the S3 at an endpoint: SDKs put the bucket's name before the endpoint's host.
fn is_bucket(origin: &Origin, endpoint: &Origin) -> bool {
    let (Host::Name(host), Host::Name(of)) = (&origin.host, &endpoint.host) else {
        return false;
    };
    let bucket = host
        .strip_suffix(of)
        .and_then(|rest| rest.strip_suffix('.'));
    bucket.is_some_and(|bucket| !bucket.is_empty())
        && (origin.scheme, origin.port) == (endpoint.scheme, endpoint.port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str, scope: Option<(&str, &str)>) -> Option<(String, String)> {
        let scope = scope.map(|(service, region)| CredentialScope {
            region: region.to_owned(),
            service: service.to_owned(),
            is_query: false,
        });
        let variables = [
            ("AWS_ENDPOINT_URL_CLOUDWATCH_EVENTS", "http://localhost:1"),
            ("AWS_ENDPOINT_URL_EVENTBRIDGE", "http://localhost:1/"),
            ("AWS_ENDPOINT_URL_S3", "http://localhost:2"),
            ("AWS_ENDPOINT_URL_SQS", "http://localhost:2"),
            ("AWS_ENDPOINT_URL", "https://aws.example:8443"),
            ("AWS_ENDPOINT_URLS", "http://localhost:9"),
        ];
        let endpoints =
            Endpoints::from_environment(&Environment::from_pairs(&variables), Some("eu-central-1"));
        let origin = Origin::from_uri(&url.parse().unwrap()).unwrap();
        let sign = ["kms".to_owned()];
        let service = endpoints.service(&origin, scope.as_ref(), &sign).ok()?;
        Some((service.name, service.region))
    }

    #[track_caller]
    fn is(found: Option<(String, String)>, expected: Option<(&str, &str)>) {
        let found = found.as_ref().map(|(name, region)| (&**name, &**region));
        assert_eq!(found, expected);
    }

    #[test]
    fn hosts_where_others_may_listen() {
        let scope = Some(("dynamodb", "eu-central-1"));
        for host in [
            "evil.dynamodb.eu-west-1.amazonaws.com",
            "dynamodb.eu-west-1.amazonaws.com.evil.example",
            "dynamodb.eu-west-1.amazonaws.evil",
            "amazonaws.com",
            "name-1.us-east-1.elb.amazonaws.com",
            "ec2-192-0-2-1.compute-1.amazonaws.com",
            "ec2-192-0-2-1.eu-west-1.compute.amazonaws.com",
            "vpce-1-a.vpce-svc-1.eu-west-1.vpce.amazonaws.com",
            "bucket.s3-website-eu-west-1.amazonaws.com",
            "bucket.s3-website.eu-west-1.amazonaws.com",
            "id.lambda-url.eu-west-1.on.aws",
            "localhost:3",
        ] {
            is(of(&format!("http://{host}/"), scope), None);
        }
        // This host is a customer's own API.
        is(
            of("https://id.execute-api.eu-west-1.amazonaws.com/", scope),
            Some(("execute-api", "eu-west-1")),
        );
    }

    #[test]
    fn what_a_request_was_signed_for() {
        let scope = Some(("iotdata", "eu-central-1"));
        is(
            of("https://data.eu-west-1.amazonaws.com/", scope),
            Some(("iotdata", "eu-west-1")),
        );
        is(
            of(
                "https://bucket.s3.amazonaws.com/",
                Some(("s3", "eu-west-3")),
            ),
            Some(("s3", "eu-west-3")),
        );
    }

    #[test]
    fn endpoints_of_the_environment() {
        let scope = Some(("sqs", "eu-west-3"));
        is(
            of("http://localhost:1/a", None),
            Some(("events", "eu-central-1")),
        );
        is(of("http://localhost:2/", scope), Some(("sqs", "eu-west-3")));
        // SDKs put the bucket's name before S3's host.
        is(
            of("http://my.bucket.localhost:2/", None),
            Some(("s3", "eu-central-1")),
        );
        is(
            of("http://bucket.localhost:2/", Some(("s3", "eu-west-3"))),
            Some(("s3", "eu-west-3")),
        );
        for elsewhere in [
            "http://bucketlocalhost:2/",
            "http://bucket.localhost:1/",
            "https://bucket.localhost:2/",
            "https://bucket.aws.example:8443/",
        ] {
            is(of(elsewhere, Some(("s3", "eu-west-3"))), None);
        }
        // Two services are there.
        is(of("http://localhost:2/", None), None);
        is(
            of("https://aws.example:8443/", None),
            Some(("kms", "eu-central-1")),
        );
        is(
            of("https://aws.example:8443/", scope),
            Some(("sqs", "eu-west-3")),
        );
        is(of("https://aws.example/", scope), None);
        is(of("http://localhost:9/", scope), None);
    }
}
