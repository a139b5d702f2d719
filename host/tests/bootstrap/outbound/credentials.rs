//! Credentials of an endpoint, which change while the process runs.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;
use lambda_wasm_test_support::{Deployment, ScriptedApi, signature};
use serde_json::json;

use super::{BOTH, Sender as _};

mod https;

/// An endpoint that gives the credentials `AKID<n>` with the secret `secret<n>` at its `n`th request.
struct Rotating {
    uri: String,
    given: Arc<AtomicUsize>,
    /// The tokens that it was asked with.
    tokens: Arc<Mutex<Vec<String>>>,
    expiries: Arc<Mutex<Vec<SystemTime>>>,
}

/// What an endpoint does with a request for a renewal.
#[derive(Clone, Copy)]
enum Renewal {
    Given,
    Refused,
    NotAnswered,
}

impl Rotating {
    /// Starts an endpoint whose credentials are valid for this time.
    fn start(life: Duration) -> Self {
        Self::start_with(life, Renewal::Given)
    }

    /// Starts an endpoint that does this with all requests but the first.
    fn start_with(life: Duration, renewal: Renewal) -> Self {
        let server = ScriptedApi::start();
        let rotating = Self {
            uri: format!("http://{}/credentials", server.address()),
            given: Arc::default(),
            tokens: Arc::default(),
            expiries: Arc::default(),
        };
        let (given, tokens) = (Arc::clone(&rotating.given), Arc::clone(&rotating.tokens));
        let expiries = Arc::clone(&rotating.expiries);
        thread::spawn(move || {
            let mut unanswered = Vec::new();
            loop {
                let mut connection = server.accept();
                let request = connection.request();
                match renewal {
                    Renewal::Refused if given.load(Ordering::SeqCst) > 0 => {
                        connection.answer("503 Service Unavailable", "", "");
                        continue;
                    }
                    Renewal::NotAnswered if given.load(Ordering::SeqCst) > 0 => {
                        unanswered.push(connection);
                        continue;
                    }
                    _ => {}
                }
                assert_eq!(request.line, "GET /credentials HTTP/1.1");
                let headers = request.headers.lines();
                let token = headers.filter_map(|line| line.split_once(": "));
                let mut token =
                    token.filter(|(name, _)| name.eq_ignore_ascii_case("authorization"));
                let token = token.next().unwrap().1.to_owned();
                tokens.lock().unwrap().push(token);
                let expiry = SystemTime::now() + life;
                expiries.lock().unwrap().push(expiry);
                let number = given.fetch_add(1, Ordering::SeqCst);
                let credentials = json!({
                    "AccessKeyId": format!("AKID{number}"),
                    "SecretAccessKey": format!("secret{number}"),
                    "Token": format!("session{number}"),
                    "Expiration": Timestamp::try_from(expiry).unwrap().to_string(),
                });
                connection.answer("200 OK", "", &credentials.to_string());
            }
        });
        rotating
    }

    fn given(&self) -> usize {
        self.given.load(Ordering::SeqCst)
    }
}

/// A service of AWS that checks each request against the credentials that were valid when it arrived.
fn service(rotating: &Rotating) -> String {
    let server = ScriptedApi::start();
    let endpoint = format!("http://{}", server.address());
    let expiries = Arc::clone(&rotating.expiries);
    thread::spawn(move || {
        loop {
            let mut connection = server.accept();
            let expiries = Arc::clone(&expiries);
            thread::spawn(move || {
                while connection.is_open() {
                    let request = connection.request();
                    let now = SystemTime::now();
                    let key = request.headers.split("Credential=AKID").nth(1).unwrap();
                    let number: usize = key.split_once('/').unwrap().0.parse().unwrap();
                    let signed = signature::verify(&request, &format!("secret{number}"));
                    let token = &signed.headers["x-amz-security-token"];
                    assert_eq!(*token, format!("session{number}"));
                    let is_valid = now < expiries.lock().unwrap()[number];
                    connection.answer("200 OK", "", if is_valid { "valid" } else { "expired" });
                }
            });
        }
    });
    endpoint
}

fn function(name: &str, endpoint: &str, rotating: &Rotating, token: &str) -> Deployment {
    let policy = format!(
        "[http]\nallow = [{endpoint:?}, {:?}]\n[aws]\nsign = [\"dynamodb\"]\n",
        rotating.uri.trim_end_matches("/credentials")
    );
    Deployment::of(name).policy(policy).envs(&[
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ENDPOINT_URL_DYNAMODB", endpoint),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &rotating.uri),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", token),
    ])
}

/// Sends requests from three workers for 4 s, each of which has to be signed with valid credentials, of a life of 2 s.
fn rotate_under_load(function: Deployment, endpoint: &str, rotating: &Rotating) {
    let host = function.env("AWS_LAMBDA_MAX_CONCURRENCY", "3").start();
    assert_eq!(rotating.given(), 0, "nothing was signed yet");
    let until = Instant::now() + Duration::from_secs(4);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while Instant::now() < until {
                    let asked = json!({"url": endpoint, "method": "POST", "body": "{}"});
                    let fetched = host.fetch(&asked);
                    assert_eq!(fetched["body"], "valid", "{fetched}");
                }
            });
        }
    });
    // They are renewed after half of their life, by one request.
    let given = rotating.given();
    assert!((3..=6).contains(&given), "{given} in 4 s");
    assert_eq!(host.finish().stderr, "");
    let tokens = rotating.tokens.lock().unwrap();
    assert!(tokens.iter().all(|token| token == "the token"));
}

#[test]
fn each_request_is_signed_with_valid_ones_while_they_rotate() {
    for name in BOTH {
        let rotating = Rotating::start(Duration::from_secs(2));
        let endpoint = service(&rotating);
        let function = function(name, &endpoint, &rotating, "the token");
        rotate_under_load(function, &endpoint, &rotating);
    }
}

#[test]
fn the_token_is_read_again_for_each_renewal() {
    let rotating = Rotating::start(Duration::from_millis(500));
    let endpoint = service(&rotating);
    let function = function(BOTH[0], &endpoint, &rotating, "not this one");
    let file = function.path().join("token");
    let variable = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
    let host = function.env(variable, file.to_str().unwrap()).start();
    let ask = || host.fetch(&json!({"url": endpoint}));
    fs::write(&file, "first\n").unwrap();
    assert_eq!(ask()["body"], "valid");
    fs::write(&file, "second\n").unwrap();
    let until = SystemTime::now() + Duration::from_secs(10);
    while rotating.given() < 2 {
        assert!(SystemTime::now() < until, "they are not renewed");
        assert_eq!(ask()["body"], "valid");
    }
    assert_eq!(rotating.tokens.lock().unwrap()[..2], ["first", "second"]);
    host.finish();
}

#[test]
fn the_function_reaches_neither_the_endpoint_nor_its_variables() {
    let rotating = Rotating::start(Duration::from_secs(3600));
    let endpoint = service(&rotating);
    for name in BOTH {
        let host = function(name, &endpoint, &rotating, "the token").start();
        for url in [
            rotating.uri.clone(),
            rotating.uri.replace("127.0.0.1", "127.0.0.2"),
        ] {
            let error = host.fetch(&json!({"url": url}))["error"].to_string();
            assert!(
                error.contains("Prohibited") || error.contains("Denied"),
                "{error}"
            );
        }
        host.finish();
    }
    assert_eq!(rotating.given(), 0);
    let host = Deployment::of("policy").envs(&[
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &*rotating.uri),
        ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/secret"),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "secret"),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/secret"),
    ]);
    let host = host.start();
    for name in [
        "CREDENTIALS_FULL_URI",
        "CREDENTIALS_RELATIVE_URI",
        "AUTHORIZATION_TOKEN",
        "AUTHORIZATION_TOKEN_FILE",
    ] {
        assert_eq!(host.ask(&format!("env:AWS_CONTAINER_{name}")), "absent");
    }
    host.finish();
}

/// As AWS's SDKs do: the environment's own keys come first.
#[test]
fn keys_of_the_environment_come_first() {
    let rotating = Rotating::start(Duration::from_secs(3600));
    let server = ScriptedApi::start();
    let endpoint = format!("http://{}", server.address());
    let host = function(BOTH[0], &endpoint, &rotating, "the token");
    let own = [
        ("AWS_ACCESS_KEY_ID", "OWN"),
        ("AWS_SECRET_ACCESS_KEY", "own"),
    ];
    let host = host.envs(&own).start();
    let serving = thread::spawn(move || {
        let mut connection = server.accept();
        let request = connection.request();
        connection.answer("200 OK", "", "taken");
        signature::verify(&request, "own").key
    });
    assert_eq!(host.fetch(&json!({"url": endpoint}))["body"], "taken");
    assert_eq!(serving.join().unwrap(), "OWN");
    assert_eq!(rotating.given(), 0);
    host.finish();
}

#[test]
fn without_credentials_a_request_fails_and_the_log_says_why() {
    let past = Timestamp::try_from(SystemTime::now() - Duration::from_secs(60)).unwrap();
    let expired = json!({
        "AccessKeyId": "A", "SecretAccessKey": "hidden-secret", "Token": "T", "Expiration": past.to_string(),
    });
    for (status, body, word) in [
        ("500 Internal Server Error", "", "it answered 500"),
        (
            "200 OK",
            "{\"SecretAccessKey\": \"hidden-secret\"",
            "does not have AccessKeyId",
        ),
        ("200 OK", &*expired.to_string(), "have expired at"),
    ] {
        let server = ScriptedApi::start();
        let rotating = Rotating::start(Duration::from_secs(3600));
        let endpoint = service(&rotating);
        let uri = format!("http://{}/credentials", server.address());
        let host = function(BOTH[0], &endpoint, &rotating, "the token");
        let host = host.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", &uri).start();
        let answer = (status.to_owned(), body.to_owned());
        let attempts = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&attempts);
        thread::spawn(move || {
            loop {
                let mut connection = server.accept();
                connection.request();
                counted.fetch_add(1, Ordering::SeqCst);
                connection.answer(&answer.0, "", &answer.1);
            }
        });
        let error = host.fetch(&json!({"url": endpoint}))["error"].to_string();
        assert!(error.contains(word), "{error}");
        assert_eq!(attempts.load(Ordering::SeqCst), 3);
        let log = host.finish().stderr;
        assert!(
            log.contains("the credentials cannot be fetched from"),
            "{log}"
        );
        assert!(
            log.contains(word) && !log.contains("hidden-secret"),
            "{log}"
        );
    }
}

#[test]
fn valid_ones_are_used_while_they_cannot_be_renewed() {
    for renewal in [Renewal::Refused, Renewal::NotAnswered] {
        let life = Duration::from_secs(4);
        let rotating = Rotating::start_with(life, renewal);
        let endpoint = service(&rotating);
        let host = function(BOTH[0], &endpoint, &rotating, "the token").start();
        let ask = || host.fetch(&json!({"url": endpoint}));
        let mut asked = 0;
        // The credentials are given with the first request, and expire later.
        let until = Instant::now() + life - Duration::from_secs(1);
        while Instant::now() < until {
            let began = Instant::now();
            assert_eq!(ask()["body"], "valid");
            assert!(
                began.elapsed() < Duration::from_millis(1500),
                "{:?}",
                began.elapsed()
            );
            asked += 1;
        }
        assert!(asked > 2, "{asked}");
        while SystemTime::now() < rotating.expiries.lock().unwrap()[0] {
            thread::sleep(Duration::from_millis(10));
        }
        let error = ask()["error"].to_string();
        assert!(
            error.contains("the credentials cannot be fetched"),
            "{error}"
        );
        host.finish();
    }
}
