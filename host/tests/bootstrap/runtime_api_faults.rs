//! A Runtime API that fails, lies or goes away.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lambda_wasm_test_support::{Connection, Deployment, Process, ScriptedApi};

fn start(api: &ScriptedApi) -> Process {
    Deployment::of("handler")
        .env("AWS_LAMBDA_RUNTIME_API", &api.address())
        .spawn()
}

/// A host that has asked a Runtime API for its first event.
fn serving() -> (ScriptedApi, Process, Connection) {
    let api = ScriptedApi::start();
    let process = start(&api);
    let mut connection = api.accept();
    connection.expect_next();
    (api, process, connection)
}

/// Serves one invocation on a connection, from `GET next` to its answer.
fn serve(connection: &mut Connection, id: &str) {
    connection.expect_next();
    connection.event(id, "\"count\"");
    assert_eq!(connection.take_response(id).body, b"\"1\"");
}

#[track_caller]
fn ends_with_message(mut process: Process, message: &str) {
    let output = process.wait();
    assert_eq!(output.status.code(), Some(1), "{}", output.stderr);
    assert!(output.stderr.contains(message), "{}", output.stderr);
    assert!(!output.stderr.contains("panicked at"), "{}", output.stderr);
}

#[test]
fn requests_are_what_the_api_asks_for() {
    let api = ScriptedApi::start();
    let _process = start(&api);
    let mut connection = api.accept();
    let next = connection.expect_next();
    assert_eq!(
        next.headers.to_lowercase(),
        format!(
            "user-agent: lambda-wasm/{}\r\nhost: {}\r\n\r\n",
            env!("CARGO_PKG_VERSION"),
            api.address()
        )
    );
    connection.event("id-1", "\"count\"");
    let response = connection.take_response("id-1");
    assert!(
        response
            .headers
            .to_lowercase()
            .contains("content-length: 3\r\n"),
        "{}",
        response.headers
    );
    serve(&mut connection, "id-2");
}

#[test]
fn a_refusal_is_logged_with_its_status() {
    let api = ScriptedApi::start();
    let mut process = Deployment::of("handler")
        .env("AWS_LAMBDA_RUNTIME_API", &api.address())
        .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
        .spawn();
    let mut connection = api.accept();
    connection.expect_next();
    connection.answer("503 Service Unavailable", "", "");
    connection.expect_next();
    connection.event("id-1", "\"count\"");
    connection.request();
    connection.answer("410 Gone", "", "");
    connection.expect_next();
    connection.answer("403 Forbidden", "", "");
    let stderr = process.wait().stderr;
    let lines: Vec<serde_json::Value> = stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let facts = |line: &serde_json::Value| (line["level"].clone(), line["status"].clone());
    assert_eq!(
        lines.iter().map(facts).collect::<Vec<_>>(),
        [
            ("WARN".into(), 503.into()),
            ("ERROR".into(), 410.into()),
            ("FATAL".into(), serde_json::Value::Null),
        ],
        "{stderr}"
    );
}

#[test]
fn fatal_statuses_end_the_process_at_once() {
    for (method, status, body) in [
        ("GET next", "500 Internal Server Error", "{}"),
        ("GET next", "403 Forbidden", ""),
        ("POST of a response", "500 Internal Server Error", ""),
    ] {
        let (api, process, mut connection) = serving();
        if method != "GET next" {
            connection.event("id-1", "\"count\"");
            connection.request();
        }
        connection.answer(status, "", body);
        ends_with_message(process, &format!("answered {status} to {method}"));
        let connections = api.count_connections(Duration::from_millis(50));
        assert_eq!(connections, 0, "{status} to {method}: it asked again");
    }
}

#[test]
fn an_api_that_is_not_there_is_asked_with_pauses_and_then_no_more() {
    let api = ScriptedApi::start();
    let address = api.address();
    drop(api);
    let process = Deployment::of("handler")
        .env("AWS_LAMBDA_RUNTIME_API", &address)
        .spawn();
    ends_with_message(process, "failed 7 times");
}

#[test]
fn resets_and_garbage_are_asked_again() {
    let (api, _process, connection) = serving();
    connection.close();
    let mut connection = api.accept();
    connection.expect_next();
    connection.write("\0\0\0 this is no HTTP\r\n\r\n");
    connection.close();
    let mut connection = api.accept();
    connection.expect_next();
    connection.answer("404 Not Found", "", "nothing here");
    // What was answered in full leaves the connection as it was.
    serve(&mut connection, "id-1");
}

#[test]
fn a_connection_that_is_closed_while_idle_is_replaced_without_a_word() {
    let api = ScriptedApi::start();
    let mut process = start(&api);
    for id in ["id-1", "id-2", "id-3"] {
        let mut connection = api.accept();
        serve(&mut connection, id);
        connection.close();
    }
    let mut connection = api.accept();
    connection.expect_next();
    connection.answer("403 Forbidden", "", "");
    let output = process.wait();
    assert!(!output.stderr.contains("asking again"), "{}", output.stderr);
}

#[test]
fn an_event_that_is_cut_off_is_none() {
    let (api, _process, mut connection) = serving();
    connection.write("HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: id-1\r\nContent-Length: 100\r\n\r\n\"cou");
    connection.close();
    serve(&mut api.accept(), "id-2");
}

#[test]
fn a_head_that_is_larger_than_usual_is_read() {
    let (_api, _process, mut connection) = serving();
    let context = "c".repeat(30_000);
    connection.answer(
        "200 OK",
        &format!(
            "Lambda-Runtime-Aws-Request-Id: id-1\r\nLambda-Runtime-Client-Context: {context}\r\n"
        ),
        "\"header:lambda-runtime-client-context\"",
    );
    let body = connection.take_response("id-1").body;
    assert_eq!(
        String::from_utf8(body).unwrap(),
        format!("\"Some(\\\"{context}\\\")\"")
    );
    serve(&mut connection, "id-2");
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = ScriptedApi::start();
    let (_api, _process, mut connection) = serving();
    let location = format!("Location: http://{}/\r\n", elsewhere.address());
    connection.answer("302 Found", &location, "");
    serve(&mut connection, "id-1");
    assert_eq!(elsewhere.count_connections(Duration::from_millis(50)), 0);
}

#[test]
fn proxies_in_the_environment_are_not_for_the_runtime_api() {
    let api = ScriptedApi::start();
    let proxy = ScriptedApi::start();
    let url = format!("http://{}", proxy.address());
    let _process = Deployment::of("handler")
        .env("AWS_LAMBDA_RUNTIME_API", &api.address())
        .env("HTTP_PROXY", &url)
        .env("http_proxy", &url)
        .env("HTTPS_PROXY", &url)
        .env("ALL_PROXY", &url)
        .spawn();
    serve(&mut api.accept(), "id-1");
    assert_eq!(proxy.count_connections(Duration::from_millis(50)), 0);
}

#[test]
fn an_event_without_an_id_costs_no_later_event() {
    let api = ScriptedApi::start();
    let _process = start(&api);
    let mut connection = api.accept();
    for _ in 0..8 {
        connection.expect_next();
        connection.answer("200 OK", "", "\"count\"");
    }
    serve(&mut connection, "id-1");
}

#[test]
fn deadlines_that_make_no_sense_are_logged_and_the_event_is_served() {
    let api = ScriptedApi::start();
    let mut process = start(&api);
    let mut connection = api.accept();
    for (number, deadline) in ["", "soon", "-1", "0", "99999999999999999999", "1e3"]
        .iter()
        .enumerate()
    {
        let id = format!("id-{number}");
        connection.expect_next();
        connection.answer(
            "200 OK",
            &format!(
                "Lambda-Runtime-Aws-Request-Id: {id}\r\nLambda-Runtime-Deadline-Ms: {deadline}\r\n"
            ),
            "\"count\"",
        );
        assert_eq!(connection.take_response(&id).body, b"\"1\"");
    }
    connection.expect_next();
    connection.answer("500 Internal Server Error", "", "");
    let output = process.wait();
    assert_eq!(
        output
            .stderr
            .matches("Lambda-Runtime-Deadline-Ms) is invalid")
            .count(),
        6,
        "{}",
        output.stderr
    );
}

/// By itself, and not as what is stuck: the process, with its connection, goes on.
#[test]
fn an_invocation_whose_deadline_is_past_ends_at_once() {
    let api = ScriptedApi::start();
    let _process = start(&api);
    let mut connection = api.accept();
    for (number, command) in ["\"loop\"", "\"sleep:10000\""].iter().enumerate() {
        let id = format!("late-{number}");
        let past = SystemTime::now() - Duration::from_secs(1);
        let past = past.duration_since(UNIX_EPOCH).unwrap().as_millis();
        connection.expect_next();
        connection.answer(
            "200 OK",
            &format!(
                "Lambda-Runtime-Aws-Request-Id: {id}\r\nLambda-Runtime-Deadline-Ms: {past}\r\n"
            ),
            command,
        );
        let error = connection.request();
        assert!(error.line.contains(&format!("/{id}/error ")), "{error:?}");
        let body = String::from_utf8(error.body).unwrap();
        assert!(body.contains("Function.Timeout"), "{body}");
        assert!(!body.contains("did not return"), "{body}");
        connection.answer("202 Accepted", "", "");
    }
    serve(&mut connection, "next");
}

#[test]
fn an_answer_that_is_refused_costs_no_later_event() {
    for status in [
        "400 Bad Request",
        "403 Forbidden",
        "410 Gone",
        "413 Content Too Large",
    ] {
        let (_api, _process, mut connection) = serving();
        connection.event("id-1", "\"count\"");
        connection.request();
        connection.answer(status, "", "{\"errorMessage\":\"no\",\"errorType\":\"No\"}");
        serve(&mut connection, "id-2");
    }
}

#[test]
fn an_answer_on_a_dead_connection_is_sent_once_more() {
    let (api, _process, mut connection) = serving();
    connection.event("id-1", "\"count\"");
    connection.request();
    connection.close();
    let mut connection = api.accept();
    assert_eq!(
        connection.request().line,
        "POST /2018-06-01/runtime/invocation/id-1/response HTTP/1.1"
    );
    // The first one may have been taken after all.
    connection.answer("403 Forbidden", "", "");
    serve(&mut connection, "id-2");
}

#[test]
fn an_answer_whose_reply_has_begun_is_not_sent_again() {
    let (api, _process, mut connection) = serving();
    connection.event("id-1", "\"count\"");
    connection.request();
    connection.write("HTTP/1.1 202 Acc");
    connection.close();
    serve(&mut api.accept(), "id-2");
}

#[test]
fn the_api_is_waited_for_as_long_as_it_takes() {
    let (api, _process, mut connection) = serving();
    // Longer than any default of the HTTP library for an answer's start would be in a test's time.
    assert_eq!(
        api.count_connections(Duration::from_secs(2)),
        0,
        "it gave up waiting"
    );
    connection.event("id-1", "\"count\"");
    connection.take_response("id-1");
}

#[test]
fn a_broken_environment_ends_after_the_invocations_under_way() {
    let api = ScriptedApi::start();
    let process = Deployment::of("streaming")
        .env("AWS_LAMBDA_RUNTIME_API", &api.address())
        .env("AWS_LAMBDA_MAX_CONCURRENCY", "4")
        .spawn();
    let mut workers = [api.accept(), api.accept(), api.accept(), api.accept()];
    for worker in &mut workers {
        worker.expect_next();
    }
    let [mut broken, mut second, mut third, _idle] = workers;
    // A streamed response has a connection of its own. An invocation is under way when the response has begun.
    let begin = |worker: &mut Connection, id, event| {
        worker.event(id, event);
        let mut response = api.accept();
        let head = response.request();
        assert!(head.line.contains(&format!("/{id}/response ")), "{head:?}");
        response
    };
    let mut responses = [
        begin(&mut second, "second", "\"chunks?n=2&size=2&pause=300\""),
        begin(&mut third, "third", "\"chunks?n=2&size=2&pause=600\""),
    ];
    begin(&mut broken, "broken", "\"empty\"").answer("500 Internal Server Error", "", "");
    for response in &mut responses {
        assert_eq!(response.take_chunks(), b"aabb");
    }
    second.expect_end();
    third.expect_end();
    ends_with_message(
        process,
        "answered 500 Internal Server Error to POST of a response",
    );
}
