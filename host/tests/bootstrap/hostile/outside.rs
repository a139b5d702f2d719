//! What lies outside: credentials, other processes, the network, and the Runtime API with other invocations in it.

use lambda_wasm_emulator::Invocation;
use lambda_wasm_test_support::Deployment;

use super::Bystander;

const GOOD: &str = "\"good\"";
const SECRET: &str = "a-secret-of-the-environment";

#[test]
fn no_way_to_the_environment_shows_a_secret() {
    let deployment = Deployment::of("hostile")
        .env("OWN", "own")
        .env("AWS_LAMBDA_FUNCTION_NAME", "name")
        .env("AWS_ACCESS_KEY_ID", SECRET)
        .env("AWS_SECRET_ACCESS_KEY", SECRET)
        .env("AWS_SESSION_TOKEN", SECRET)
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", SECRET)
        .env("AWS_CONTAINER_AUTHORIZATION_TOKEN", SECRET)
        .env("AWS_WEB_IDENTITY_TOKEN_FILE", SECRET)
        .env("AWS_SHARED_CREDENTIALS_FILE", SECRET);
    let bystander = Bystander::start(deployment, GOOD);
    let host = &bystander.host;
    let seen = host.ask("environment");
    assert!(seen.contains(r#"("OWN", "own")"#), "{seen}");
    for hidden in [
        SECRET,
        "AWS_LAMBDA_RUNTIME_API",
        &host.api.address().to_string(),
    ] {
        assert!(!seen.contains(hidden), "{seen}");
    }
    assert_eq!(host.ask("arguments"), "[] None");
    assert_eq!(host.ask("folders"), "[]");
    for pid in ["self".to_owned(), host.pid().to_string()] {
        for file in [
            "environ",
            "cmdline",
            "mem",
            "maps",
            "fd/0",
            "root/etc/passwd",
        ] {
            let read = host.ask(&format!("read:/proc/{pid}/{file}"));
            assert!(read.starts_with("error: "), "{file}: {read}");
        }
    }
    let read = host.ask("read:/dev/stdin");
    assert!(read.starts_with("error: "), "{read}");
    let log = bystander.finish();
    assert!(!format!("{log:?}").contains(SECRET), "{log:?}");
}

#[test]
fn nothing_leads_to_the_network() {
    let bystander = Bystander::start(Deployment::of("hostile"), GOOD);
    let api = bystander.host.api.address();
    let connections = bystander.host.api.connections();
    for command in [
        format!("connect:{api}"),
        format!("connect:localhost:{}", api.port()),
        "connect:169.254.169.254:80".to_owned(),
        "connect:[::1]:80".to_owned(),
        "listen:127.0.0.1:0".to_owned(),
        "listen:0.0.0.0:8080".to_owned(),
        format!("send:{api}"),
        "send:255.255.255.255:9".to_owned(),
        "resolve:localhost:80".to_owned(),
        "resolve:secret.attacker.example:53".to_owned(),
    ] {
        let answer = bystander.host.ask(&command);
        assert!(answer.starts_with("error: "), "{command}: {answer}");
        bystander.goes_on(&command);
    }
    assert_eq!(bystander.host.api.connections(), connections);
    bystander.finish();
}

#[test]
fn no_function_makes_a_socket_or_finds_an_address() {
    let bystander = Bystander::start(Deployment::of("hostile"), GOOD);
    let refused = "access-denied access-denied permanent-resolver-failure";
    assert_eq!(bystander.host.ask("sockets"), refused);
    bystander.finish();

    let host = Deployment::of("hostile_p3").start();
    host.api.invoke(super::http::request("/sockets")).response();
    let log = host.finish().stdout;
    let refused = "Err(ErrorCode::AccessDenied) Err(ErrorCode::AccessDenied) Err(ErrorCode::PermanentResolverFailure)";
    assert!(log.contains(refused), "{log}");
}

/// With a second event waiting, which a guest that gets through could take or answer.
#[test]
fn only_the_guest_answers_its_invocation() {
    let bystander = Bystander::start(Deployment::of("hostile"), GOOD);
    let api = &bystander.host.api;
    let answer = api.submit(Invocation::new(format!("\"connect:{}\"", api.address())));
    let waiting = api.submit(Invocation::new(GOOD).request_id("waiting"));
    let answer = answer.wait().response().text();
    assert_eq!(answer, "\"error: PermissionDenied\"");
    assert_eq!(waiting.wait().response().text(), "\"good\"");
    // The emulator writes down every answer for an id that is not waited for.
    assert_eq!(api.violations(), []);
    bystander.finish();
}

#[test]
fn no_request_reaches_the_runtime_api() {
    for guest in ["http_p2", "http_p3"] {
        let bystander = Bystander::start(Deployment::of(guest), super::http::WELL);
        let api = bystander.host.api.address();
        let connections = bystander.host.api.connections();
        for path in [
            "invocation/next",
            "invocation/waiting/response",
            "init/error",
        ] {
            let url = format!("http://{api}/2018-06-01/runtime/{path}");
            let event = super::http::request(&format!("/outbound?url={url}"));
            let answer = bystander.host.api.invoke(event).response().json();
            assert_eq!(
                answer["body"], r#"{"error":"HttpRequestDenied"}"#,
                "{guest} {url}"
            );
            bystander.goes_on(path);
        }
        assert_eq!(bystander.host.api.connections(), connections);
        bystander.finish();
    }
}
