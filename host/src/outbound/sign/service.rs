//! Which service of AWS is where.
//!
//! AWS's own hosts are those of <https://docs.aws.amazon.com/general/latest/gr/rande.html>. A signature, and the session's
//! token with it, goes to none where a customer could be listening: load balancers, virtual machines, private links and the
//! like have names in `amazonaws.com` too.

use http::Uri;

use super::claim::Claim;
use crate::config::Environment;
use crate::policy::{Host, Origin, is_region};

/// What the names of AWS's endpoints end in.
const DOMAINS: [&str; 4] = [
    ".amazonaws.com",
    ".amazonaws.com.cn",
    ".amazonaws.eu",
    ".api.aws",
];

const S3: &str = "s3";

/// The region that hosts without one are signed for.
const GLOBAL: &str = "us-east-1";

/// The hosts that are named after what a customer has there (a bucket, an account, an API), and the service that listens.
const OWNED: [(&str, &str); 8] = [
    ("s3", "s3"),
    ("s3-accelerate", "s3"),
    ("s3-accesspoint", "s3"),
    ("s3-control", "s3"),
    ("ddb", "dynamodb"),
    ("execute-api", "execute-api"),
    ("es", "es"),
    ("aoss", "aoss"),
];

/// Of these, the region comes before the service.
const REGION_FIRST: [&str; 2] = ["es", "aoss"];

/// Where signatures have another name than the host, or than the variable: `scripts/signing-names.py` makes it.
const SIGNING_NAMES: &str = include_str!("signing-names.txt");

/// A service in a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its name in signatures.
    pub name: String,
    /// The region.
    pub region: String,
}

impl Service {
    /// Whether it is S3, which has rules of its own.
    #[must_use]
    pub fn is_s3(&self) -> bool {
        self.name == S3
    }
}

/// Where the services are: at AWS's hosts, and where the environment says, by the variables of
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>.
#[derive(Debug, Default)]
pub struct Endpoints {
    /// Of one service each.
    named: Vec<(Origin, String)>,
    /// Of all of them.
    all: Option<Origin>,
    /// The region that these are signed for, if the request does not say.
    region: String,
}

impl Endpoints {
    /// Those of the environment, which are in this region.
    #[must_use]
    pub fn of(environment: &Environment, region: Option<&str>) -> Self {
        let mut endpoints = Self {
            region: region.unwrap_or(GLOBAL).to_owned(),
            ..Self::default()
        };
        for (name, value) in environment.starting("AWS_ENDPOINT_URL") {
            let Some(origin) = value.parse().ok().and_then(|uri: Uri| Origin::of(&uri)) else {
                continue;
            };
            match name.strip_prefix('_') {
                Some(id) => {
                    let id = id.to_ascii_lowercase().replace('_', "");
                    let name = signing_name("variable", &id).unwrap_or(&id).to_owned();
                    endpoints.named.push((origin, name));
                }
                None if name.is_empty() => endpoints.all = Some(origin),
                None => (),
            }
        }
        endpoints
    }

    /// The services that the environment says are here: those that are named, or all that there is to `sign` for.
    #[must_use]
    pub fn here<'a>(&'a self, origin: &Origin, sign: &'a [String]) -> Vec<&'a str> {
        let is_here = |(endpoint, name): &&(Origin, String)| {
            endpoint == origin || (name == S3 && is_bucket(origin, endpoint))
        };
        let named = self.named.iter().filter(is_here);
        let mut names: Vec<&str> = named.map(|(_, name)| name.as_str()).collect();
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

    /// The service that a request to here is for, by where it goes; if that leaves it open, by what it was signed for or
    /// by what there is to `sign` for.
    #[must_use]
    pub fn service(
        &self,
        origin: &Origin,
        claim: Option<&Claim>,
        sign: &[String],
    ) -> Option<Service> {
        let names = self.here(origin, sign);
        if names.is_empty() {
            return of_aws(&origin.host, claim);
        }
        match (claim, &names[..]) {
            (Some(claim), _) => Some(Service {
                name: claim.service.clone(),
                region: claim.region.clone(),
            }),
            (None, [name]) => Some(Service {
                // A variable's name has no hyphens, and a signature's may have.
                name: sign
                    .iter()
                    .find(|listed| listed.replace('-', "") == **name)
                    .map_or(*name, String::as_str)
                    .to_owned(),
                region: self.region.clone(),
            }),
            (None, _) => None,
        }
    }
}

/// Whether this is where SDKs look for a bucket of the S3 at an endpoint: at a host of its name, before the endpoint's.
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

/// Whether a service that is signed for by `name` goes by this one elsewhere.
pub fn is_another_name(other: &str, name: &str) -> bool {
    signing_name("variable", &other.replace('-', "")) == Some(name)
}

/// The name in signatures of what a `variable` or a `host` calls so, if it is another.
fn signing_name(of: &str, name: &str) -> Option<&'static str> {
    SIGNING_NAMES.lines().find_map(|line| {
        let (kind, rest) = line.split_once(' ')?;
        let (known, service) = rest.split_once(' ')?;
        (kind == of && known == name).then_some(service)
    })
}

/// The service of a host of AWS's.
fn of_aws(host: &Host, claim: Option<&Claim>) -> Option<Service> {
    let Host::Name(host) = host else { return None };
    let rest = DOMAINS
        .iter()
        .find_map(|domain| host.strip_suffix(domain))?;
    let mut labels: Vec<&str> = rest.split('.').collect();
    let is_first = labels
        .last()
        .is_some_and(|last| REGION_FIRST.contains(last));
    let place = labels.len().checked_sub(if is_first { 2 } else { 1 });
    let mut region = place
        .filter(|place| is_region(labels[*place]))
        .map(|place| labels.remove(place));
    // As S3's were once.
    if let Some(legacy) = labels.last().and_then(|label| label.strip_prefix("s3-"))
        && is_region(legacy)
    {
        labels.pop();
        labels.push("s3");
        region = Some(legacy);
    }
    labels.retain(|label| *label != "dualstack");
    let last = labels.pop()?;
    let last = last.strip_suffix("-fips").unwrap_or(last);
    let name = match OWNED.iter().find(|(owned, _)| *owned == last) {
        Some((_, service)) => (*service).to_owned(),
        None => {
            let whole = match labels[..] {
                [] => last.to_owned(),
                [first] => format!("{first}.{last}"),
                _ => return None,
            };
            let known = match signing_name("host", &whole) {
                Some(known) => known,
                None if whole.contains('.') => return None,
                None => &whole,
            };
            // The one who signed knows better than a table.
            claim.map_or(known, |claim| &claim.service).to_owned()
        }
    };
    let claimed = claim.map(|claim| claim.region.as_str());
    Some(Service {
        name,
        region: region.or(claimed).unwrap_or(GLOBAL).to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str, claim: Option<(&str, &str)>) -> Option<(String, String)> {
        let claim = claim.map(|(service, region)| Claim {
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
        let endpoints = Endpoints::of(&Environment::of(&variables), Some("eu-central-1"));
        let origin = Origin::of(&url.parse().unwrap()).unwrap();
        let sign = ["kms".to_owned()];
        let service = endpoints.service(&origin, claim.as_ref(), &sign)?;
        Some((service.name, service.region))
    }

    #[track_caller]
    fn is(found: Option<(String, String)>, expected: Option<(&str, &str)>) {
        let found = found.as_ref().map(|(name, region)| (&**name, &**region));
        assert_eq!(found, expected);
    }

    #[test]
    fn hosts_of_services() {
        for (host, service) in [
            (
                "dynamodb.eu-west-1.amazonaws.com",
                ("dynamodb", "eu-west-1"),
            ),
            ("dynamodb.eu-west-1.api.aws", ("dynamodb", "eu-west-1")),
            (
                "123456789012.ddb.eu-west-1.amazonaws.com",
                ("dynamodb", "eu-west-1"),
            ),
            (
                "streams.dynamodb.eu-west-1.amazonaws.com",
                ("dynamodb", "eu-west-1"),
            ),
            ("s3.eu-west-1.amazonaws.com", ("s3", "eu-west-1")),
            ("s3.dualstack.eu-west-1.amazonaws.com", ("s3", "eu-west-1")),
            (
                "my.bucket.s3.us-gov-east-1.amazonaws.com",
                ("s3", "us-gov-east-1"),
            ),
            (
                "b.s3-fips.dualstack.us-west-2.amazonaws.com",
                ("s3", "us-west-2"),
            ),
            ("bucket.s3.amazonaws.com", ("s3", "us-east-1")),
            ("bucket.s3-eu-west-1.amazonaws.com", ("s3", "eu-west-1")),
            ("sts.amazonaws.com", ("sts", "us-east-1")),
            ("kms-fips.us-east-2.amazonaws.com", ("kms", "us-east-2")),
            ("sqs.cn-north-1.amazonaws.com.cn", ("sqs", "cn-north-1")),
            ("email.eu-west-1.amazonaws.com", ("ses", "eu-west-1")),
            ("api.ecr.eu-west-1.amazonaws.com", ("ecr", "eu-west-1")),
            ("oidc.eu-west-1.amazonaws.com", ("sso-oauth", "eu-west-1")),
            ("sso.eu-west-1.amazonaws.com", ("sso", "eu-west-1")),
            (
                "id.execute-api.eu-west-1.amazonaws.com",
                ("execute-api", "eu-west-1"),
            ),
            ("search-d-1.eu-west-1.es.amazonaws.com", ("es", "eu-west-1")),
        ] {
            is(of(&format!("https://{host}/"), None), Some(service));
        }
    }

    #[test]
    fn hosts_where_others_may_listen() {
        let claim = Some(("dynamodb", "eu-central-1"));
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
            is(of(&format!("http://{host}/"), claim), None);
        }
        // Whoever listens there gets what is meant for it.
        is(
            of("https://id.execute-api.eu-west-1.amazonaws.com/", claim),
            Some(("execute-api", "eu-west-1")),
        );
    }

    #[test]
    fn what_a_request_was_signed_for() {
        let claim = Some(("iotdata", "eu-central-1"));
        is(
            of("https://data.eu-west-1.amazonaws.com/", claim),
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

    /// By the ids of <https://docs.aws.amazon.com/sdkref/latest/guide/ss-endpoints-table.html>.
    #[test]
    fn a_variable_names_a_service_by_its_id() {
        for (id, service) in [
            ("APPLICATION_AUTO_SCALING", "application-autoscaling"),
            ("ACM_PCA", "acm-pca"),
            ("BEDROCK_AGENT_RUNTIME", "bedrock"),
            ("COGNITO_IDENTITY_PROVIDER", "cognito-idp"),
            ("DYNAMODB", "dynamodb"),
            ("S3_CONTROL", "s3"),
            ("SSO_OIDC", "sso-oauth"),
            ("DATABASE_MIGRATION_SERVICE", "dms"),
            ("ELASTIC_LOAD_BALANCING_V2", "elasticloadbalancing"),
            ("SAGEMAKER_A2I_RUNTIME", "sagemaker"),
            ("SERVERLESSAPPLICATIONREPOSITORY", "serverlessrepo"),
            ("TRANSCRIBE_STREAMING", "transcribe"),
            ("TIMESTREAM_QUERY", "timestream"),
        ] {
            let name = format!("AWS_ENDPOINT_URL_{id}");
            let environment = Environment::of(&[(name.as_str(), "http://localhost:1")]);
            let endpoints = Endpoints::of(&environment, Some("eu-central-1"));
            let origin = Origin::of(&"http://localhost:1/".parse().unwrap()).unwrap();
            let sign = ["kms".to_owned(), service.to_owned()];
            let found = endpoints.service(&origin, None, &sign).unwrap();
            assert_eq!(found.name, service, "{id}");
        }
    }

    #[test]
    fn endpoints_of_the_environment() {
        let claim = Some(("sqs", "eu-west-3"));
        is(
            of("http://localhost:1/a", None),
            Some(("events", "eu-central-1")),
        );
        is(of("http://localhost:2/", claim), Some(("sqs", "eu-west-3")));
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
            of("https://aws.example:8443/", claim),
            Some(("sqs", "eu-west-3")),
        );
        is(of("https://aws.example/", claim), None);
        is(of("http://localhost:9/", claim), None);
    }
}
