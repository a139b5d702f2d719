//! The decision about a request: signed, left as it is, or refused.

use super::*;
use crate::log::{Format, Level, Log};

const KEY: &str = "ASIAPLACEHOLDER00000";

fn signer(variables: &[(&str, &str)]) -> Signer {
    let aws = Aws {
        sign: vec!["dynamodb".to_owned(), "s3".to_owned()],
        regions: Vec::new(),
    };
    signer_of(&aws, variables)
}

fn signer_of(aws: &Aws, variables: &[(&str, &str)]) -> Signer {
    let environment = Environment::from_pairs(variables);
    let log = Log::new((Format::Text, Level::Fatal));
    let credentials = CredentialSource::from_environment(&environment, log);
    Signer::new(aws, &environment, Arc::new(credentials))
}

/// Returns the decision about a request to `url` with these headers.
fn decided(
    url: &str,
    headers: &[(&str, &str)],
) -> Result<Option<(String, PayloadSigning)>, Refusal> {
    Ok(match decision(url, headers)? {
        Decision::Sign(signing) => Some((signing.service.name, signing.payload)),
        Decision::Leave(_) => None,
    })
}

fn decision(url: &str, headers: &[(&str, &str)]) -> Result<Decision, Refusal> {
    let mut request = Request::put(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let origin = Origin::from_uri(&parts.uri).unwrap();
    let signer = signer(&[
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_REGION", "eu-west-1"),
    ]);
    signer.decide(&origin, &parts)
}

fn scoped(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential={KEY}/20260101/eu-west-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}

#[test]
fn requests_that_are_signed() {
    let is = |name: &str, payload| Ok(Some((name.to_owned(), payload)));
    let said = |text: &str| PayloadSigning::Declared(text.to_owned());
    assert_eq!(
        decided(DYNAMODB, &[]),
        is("dynamodb", PayloadSigning::Hashed)
    );
    let scope = scoped("dynamodb");
    let scope = ("authorization", scope.as_str());
    assert_eq!(
        decided(DYNAMODB, &[scope]),
        is("dynamodb", PayloadSigning::Hashed)
    );
    assert_eq!(decided(S3, &[]), is("s3", said(UNSIGNED)));
    let http = "http://bucket.s3.eu-west-1.amazonaws.com/key";
    assert_eq!(decided(http, &[]), is("s3", PayloadSigning::Hashed));
    let hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    for payload in [hash, UNSIGNED, "STREAMING-UNSIGNED-PAYLOAD-TRAILER"] {
        let length = ("x-amz-decoded-content-length", "5");
        let headers = [("x-amz-content-sha256", payload), length];
        assert_eq!(decided(S3, &headers), is("s3", said(payload)));
    }
    let presigned = format!(
        "{http}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={KEY}%2F20260101%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Signature=0"
    );
    assert_eq!(decided(&presigned, &[]), is("s3", said(UNSIGNED)));
}

#[test]
fn requests_that_are_not_signed() {
    for (url, headers) in [
        ("https://api.example.com/", &[][..]),
        ("https://sqs.eu-west-1.amazonaws.com/", &[]),
        ("https://dynamodb.eu-west-2.amazonaws.com/", &[]),
        // By credentials that the function has of its own.
        (
            S3,
            &[(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=AKIDOTHER/20260101/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=0",
            )],
        ),
        (S3, &[("authorization", "Bearer token")]),
        (
            "https://bucket.s3.eu-west-1.amazonaws.com/key?X-Amz-Signature=0",
            &[],
        ),
    ] {
        assert_eq!(decided(url, headers), Ok(None), "{url} {headers:?}");
    }
}

#[test]
fn an_endpoint_that_gets_no_signature_is_doubted() {
    let signer = signer(&[
        ("AWS_ENDPOINT_URL", "http://localhost:1"),
        ("AWS_ENDPOINT_URL_SQS", "http://localhost:2"),
        ("AWS_REGION", "eu-west-1"),
    ]);
    let unsigned_reason = |url: &str, headers: &[(&str, &str)]| {
        let request = Request::get(url);
        let set = |request: http::request::Builder, (name, value): &(&str, &str)| {
            request.header(*name, *value)
        };
        let request = headers.iter().fold(request, set);
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let decision = signer.decide(&Origin::from_uri(&parts.uri).unwrap(), &parts);
        match decision.unwrap() {
            Decision::Leave(why) => why.map(|why| why.to_string()),
            Decision::Sign(_) => panic!("{url} is signed"),
        }
    };
    let of_all = unsigned_reason("http://localhost:1/", &[]).unwrap();
    assert!(of_all.contains("(dynamodb, s3)"), "{of_all}");
    let of_one = unsigned_reason("http://localhost:2/", &[]).unwrap();
    assert!(of_one.contains("the service sqs"), "{of_one}");
    let bearer = [("authorization", "Bearer token")];
    assert_eq!(unsigned_reason("http://localhost:2/", &bearer), None);
    assert_eq!(unsigned_reason("http://localhost:3/", &[]), None);
    let elsewhere = unsigned_reason("https://dynamodb.us-east-2.amazonaws.com/", &[]).unwrap();
    assert!(
        elsewhere.contains("\"us-east-2\" to `regions`"),
        "{elsewhere}"
    );
    for (url, why) in [
        (
            "https://sqs.eu-west-1.amazonaws.com/",
            "add \"sqs\" to `sign`",
        ),
        (
            "https://a-1.us-east-1.elb.amazonaws.com/",
            "a customer of AWS",
        ),
        (
            "https://a.lambda-url.eu-west-1.on.aws/",
            "a customer of AWS",
        ),
        (
            "https://new.eu-west-1.amazonaws.com/",
            "a known service of AWS",
        ),
        (
            "https://a.accesspoint.s3-global.amazonaws.com/",
            "Version 4A",
        ),
        (
            "https://a.s3express-euw1-az1.eu-west-1.amazonaws.com/",
            "add \"s3express\"",
        ),
    ] {
        let unsigned_reason = unsigned_reason(url, &[]).unwrap();
        assert!(unsigned_reason.contains(why), "{url}: {unsigned_reason}");
    }
    let dynamodb = unsigned_reason("https://dynamodb.eu-west-1.amazonaws.com/", &bearer).unwrap();
    assert!(
        dynamodb.contains("carries another authorization"),
        "{dynamodb}"
    );
    let own = "AWS4-HMAC-SHA256 Credential=AKIDOTHER/20260101/eu-west-1/s3/aws4_request";
    assert_eq!(unsigned_reason(S3, &[("authorization", own)]), None);
}

#[test]
fn nothing_is_doubted_where_nothing_is_signed() {
    let signer = signer_of(&Aws::default(), &[]);
    let (parts, ()) = Request::get(S3).body(()).unwrap().into_parts();
    let decision = signer.decide(&Origin::from_uri(&parts.uri).unwrap(), &parts);
    assert!(matches!(decision, Ok(Decision::Leave(None))));
}

#[test]
fn a_service_that_is_listed_by_another_name_is_doubted() {
    let aws = Aws {
        sign: vec!["cloudwatch".to_owned()],
        regions: Vec::new(),
    };
    let signer = signer_of(&aws, &[("AWS_REGION", "eu-west-1")]);
    let request = Request::get("https://monitoring.eu-west-1.amazonaws.com/");
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let origin = Origin::from_uri(&parts.uri).unwrap();
    let Ok(Decision::Leave(Some(unsigned_reason))) = signer.decide(&origin, &parts) else {
        panic!("it is signed, or nothing is said");
    };
    let unsigned_reason = unsigned_reason.to_string();
    assert!(
        unsigned_reason.contains("add \"monitoring\" to `sign`"),
        "{unsigned_reason}"
    );
}

#[test]
fn placeholders_do_not_leave() {
    let refused = |url: &str, service: &str| {
        decided(url, &[("authorization", &scoped(service))]).unwrap_err()
    };
    assert_eq!(refused("https://evil.example/", "s3"), Refusal::Endpoint);
    assert_eq!(
        refused("https://sqs.eu-west-1.amazonaws.com/", "sqs"),
        Refusal::Service("sqs".to_owned())
    );
    assert_eq!(
        refused("https://dynamodb.eu-west-2.amazonaws.com/", "dynamodb"),
        Refusal::Region("eu-west-2".to_owned())
    );
    for headers in [
        [(
            "x-amz-security-token",
            "placeholder-the-host-signs-requests",
        )],
        [("x-elsewhere", KEY)],
        [(
            "authorization",
            "AWS4-ECDSA-P256-SHA256 Credential=ASIAPLACEHOLDER00000/20260101/s3/aws4_request",
        )],
    ] {
        assert_eq!(
            decided(S3, &headers),
            Err(Refusal::Placeholder),
            "{headers:?}"
        );
    }
    let header = [("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-EVENTS")];
    assert!(matches!(decided(S3, &header), Err(Refusal::Mode(_))));
    let header = [("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")];
    assert_eq!(decided(S3, &header), Err(Refusal::DecodedLength));
}

/// Beside its signature too.
#[test]
fn a_placeholder_that_would_be_left_is_refused() {
    let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
    let signing = signing(credentials, ("s3", "eu-west-1"), PayloadSigning::Hashed);
    let request = Request::get(S3)
        .header("authorization", scoped("s3"))
        .header("x-copy", scoped("s3"));
    let refused = block_on(signing.sign(request.body(body("")).unwrap()));
    assert_eq!(refused.unwrap_err().unwrap_err(), Refusal::Placeholder);
}

#[test]
fn without_credentials_nothing_is_signed() {
    let (parts, ()) = Request::get(S3).body(()).unwrap().into_parts();
    let origin = Origin::from_uri(&parts.uri).unwrap();
    let signer = signer(&[("AWS_REGION", "eu-west-1"), ("AWS_ACCESS_KEY_ID", "key")]);
    let refused = signer.decide(&origin, &parts);
    assert_eq!(refused.unwrap_err(), Refusal::Credentials);
}
