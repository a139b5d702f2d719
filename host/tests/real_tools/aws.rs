//! The stock AWS SDK for Rust in a component, which has no credentials, and moto for AWS's services.

use std::time::Duration;

use lambda_wasm_emulator::Invocation;
use lambda_wasm_test_support::{
    Deployment, Host, build_guest, compile_once, root,
    signature::{Signed, verify},
};
use serde_json::{Value, json};

use crate::moto::{Credentials, Moto};

/// A key whose every part has to be encoded, in another way each.
const KEY: &str = "a b/ü+%.txt";

/// The ways to put an object: as the guest calls them, and what the head of its request says; a hash where that is nothing.
const PAYLOADS: [(&str, Option<&str>); 5] = [
    ("hash", None),
    ("checksum", None),
    ("unsigned", Some("UNSIGNED-PAYLOAD")),
    ("trailer", Some("STREAMING-UNSIGNED-PAYLOAD-TRAILER")),
    (
        "signed-trailer",
        Some("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"),
    ),
];

/// Deploys the guest with the SDK, which is built apart from the other guests: it takes minutes when all is new.
fn deploy() -> Deployment {
    let target = root().join("target/aws-guest");
    build_guest("host/tests/aws-guest", &target, &[]);
    let artifact = compile_once(&target.join("wasm32-wasip2/release/aws_guest.wasm"));
    Deployment::of_artifact(&std::fs::read(artifact).unwrap())
}

/// The guest as a function, with moto for everything that it may reach.
struct Function {
    host: Host,
    moto: Moto,
    credentials: Credentials,
}

impl Function {
    /// With signatures made for these services. None if there is no moto here.
    fn start(services: &[&str]) -> Option<Self> {
        let moto = Moto::start()?;
        let credentials = moto.session();
        let allow = [moto.url()];
        let policy = format!("[http]\nallow = {allow:?}\n\n[aws]\nsign = {services:?}\n");
        let host = deploy()
            .policy(policy)
            .env("AWS_REGION", "eu-central-1")
            .env("AWS_ENDPOINT_URL", &moto.url())
            .env("AWS_ACCESS_KEY_ID", &credentials.key)
            .env("AWS_SECRET_ACCESS_KEY", &credentials.secret)
            .env("AWS_SESSION_TOKEN", &credentials.token)
            .start();
        Some(Self {
            host,
            moto,
            credentials,
        })
    }

    /// What the guest answers: the status, and the text.
    fn answer(&self, path: &str, query: &[(&str, &str)], body: &str) -> (u64, String) {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(query)
            .finish();
        let event = json!({
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": query,
            "headers": {},
            "requestContext": {"http": {"method": "POST", "path": path}},
            "body": body,
            "isBase64Encoded": false,
        });
        // The first request to a service has moto load it.
        let invocation = Invocation::new(event.to_string()).timeout(Duration::from_secs(20));
        let answer = self.host.api.invoke(invocation).response().json();
        let body = answer["body"].as_str().unwrap().to_owned();
        (answer["statusCode"].as_u64().unwrap(), body)
    }

    /// What the guest answers to what has to go well.
    #[track_caller]
    fn ask(&self, path: &str, query: &[(&str, &str)], body: &str) -> String {
        let (status, answer) = self.answer(path, query, body);
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// What was sent to put an object in this way.
    #[track_caller]
    fn put(&self, object: [(&str, &str); 3], payload: &str, body: &str) -> Signed {
        let [bucket, key, times] = object;
        self.ask("/s3/put", &[bucket, key, times, ("payload", payload)], body);
        let requests = self.moto.requests();
        let sent = requests.iter().rfind(|it| it.line.starts_with("PUT"));
        verify(sent.unwrap(), &self.credentials.secret)
    }

    /// Checks that all that was sent was signed with the credentials of the environment, for this service.
    #[track_caller]
    fn signed_for(self, service: &str) {
        let requests = self.moto.requests();
        assert!(!requests.is_empty());
        for request in requests {
            let signed = verify(&request, &self.credentials.secret);
            assert_eq!(signed.key, self.credentials.key);
            assert_eq!(
                (&*signed.region, &*signed.service),
                ("eu-central-1", service)
            );
            assert_eq!(
                signed.headers["x-amz-security-token"],
                self.credentials.token
            );
        }
        assert!(!self.moto.was_sent("laceholder"));
        assert!(!self.moto.was_sent("PLACEHOLDER"));
        self.host.finish();
    }
}

#[test]
fn the_sdk_sees_placeholders() {
    let Some(function) = Function::start(&["s3"]) else {
        return;
    };
    let seen = function.ask("/env", &[], "");
    let variables: Value = serde_json::from_str(&seen).unwrap();
    assert_eq!(variables["AWS_ACCESS_KEY_ID"], "ASIAPLACEHOLDER00000");
    assert_eq!(variables["AWS_ENDPOINT_URL"], function.moto.url());
    let Credentials { key, secret, token } = &function.credentials;
    for real in [key, secret, token] {
        assert!(!seen.contains(real.as_str()), "{seen}");
    }
    function.host.finish();
}

#[test]
fn s3_takes_every_payload() {
    let Some(function) = Function::start(&["s3"]) else {
        return;
    };
    function.ask("/s3/create", &[("bucket", "bucket")], "");
    let object = [("bucket", "bucket"), ("key", KEY), ("times", "1")];
    for (payload, said) in PAYLOADS {
        let body = format!("{payload}: ä 😀\n");
        let sent = function.put(object, payload, &body);
        match said {
            Some(said) => assert_eq!(sent.payload, said, "{payload}"),
            None => assert_eq!(sent.payload.len(), 64, "{payload}: {sent:?}"),
        }
        assert_eq!(function.ask("/s3/get", &object, ""), body, "{payload}");
        assert_eq!(
            function.ask("/s3/presigned", &object, ""),
            body,
            "{payload}"
        );
    }
    function.signed_for("s3");
}

#[test]
fn s3_takes_large_objects() {
    let Some(function) = Function::start(&["s3"]) else {
        return;
    };
    function.ask("/s3/create", &[("bucket", "bucket")], "");
    let object = [("bucket", "bucket"), ("key", KEY), ("times", "4096")];
    for (payload, _) in PAYLOADS {
        // 4 MiB, of lines whose length is no power of two.
        let body = format!("{payload:>1023}\n") + "more\n";
        let sent = function.put(object, payload, &body);
        assert_eq!(sent.headers["expect"], "100-continue", "{payload}");
        assert_eq!(function.ask("/s3/get", &object, ""), body, "{payload}");
    }
    function.signed_for("s3");
}

#[test]
fn dynamodb_keeps_items() {
    let Some(function) = Function::start(&["dynamodb"]) else {
        return;
    };
    function.moto.check_signatures();
    let table = ("table", "notes");
    function.ask("/dynamodb/create", &[table], "");
    for (number, text) in [("1", "first ä"), ("2", "second 😀")] {
        let item = [table, ("owner", "Jürgen"), ("number", number)];
        function.ask("/dynamodb/put", &item, text);
        assert_eq!(function.ask("/dynamodb/get", &item, ""), text);
    }
    let texts = |owner| function.ask("/dynamodb/query", &[table, ("owner", owner)], "");
    assert_eq!(texts("Jürgen"), r#"["first ä","second 😀"]"#);
    assert_eq!(texts("nobody"), "[]");
    function.signed_for("dynamodb");
}

#[test]
fn sqs_passes_messages_on() {
    let Some(function) = Function::start(&["sqs"]) else {
        return;
    };
    function.moto.check_signatures();
    let url = function.ask("/sqs/create", &[("queue", "queue")], "");
    let queue = [("url", url.as_str())];
    function.ask("/sqs/send", &queue, "a message: ä 😀");
    assert_eq!(function.ask("/sqs/receive", &queue, ""), "a message: ä 😀");
    function.signed_for("sqs");
}

#[test]
fn a_service_that_is_not_listed_is_not_reached() {
    let Some(function) = Function::start(&["dynamodb"]) else {
        return;
    };
    let (status, _) = function.answer("/sqs/create", &[("queue", "queue")], "");
    assert_eq!(status, 502);
    assert!(function.moto.requests().is_empty());
    let output = function.host.finish();
    let logged = output.stdout + &output.stderr;
    assert!(logged.contains("add \"sqs\" to `sign`"), "{logged}");
}
