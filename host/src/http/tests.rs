mod answers;
mod beyond_record;
mod every_sample;
mod malformed;
mod oddities;
mod other_samples;
mod payload_2_samples;
mod properties;
mod rest_api_answers;
mod rest_api_samples;
mod targets;

use lambda_wasm_test_support::aws_events::sample;

use super::*;

/// A request for people: a line for each thing that is there, and nothing for what is not.
fn show(request: &Request<'_>) -> String {
    let uri = format!(
        "{}://{}{}",
        request.scheme(),
        request.authority().unwrap_or("(nobody)"),
        request.path_and_query()
    );
    // Taken apart by name, so that a field that is added has to be shown.
    let api::Request {
        method,
        path,
        route,
        path_parameters,
        query_parameters,
        headers,
        cookies,
        stage_variables,
        source_ip,
        user_agent,
        account_id,
        api_id,
        domain_name,
        stage,
        request_id,
        identity,
        authorizer,
        body,
    } = &request.record;
    let mut lines = vec![
        format!("{:?}: {method} {uri}", request.source),
        format!("path: {path}"),
    ];
    let texts = [
        ("route", route),
        ("source ip", source_ip),
        ("user agent", user_agent),
        ("account", account_id),
        ("api", api_id),
        ("domain", domain_name),
        ("stage", stage),
        ("request id", request_id),
    ];
    for (name, text) in texts {
        lines.extend(text.as_ref().map(|text| format!("{name}: {text}")));
    }
    let lists = [
        ("path parameter", path_parameters),
        ("query parameter", query_parameters),
        ("stage variable", stage_variables),
        ("header", headers),
    ];
    for (kind, list) in lists {
        let pairs = list.iter();
        lines.extend(pairs.map(|(name, value)| format!("{kind} {name}: {value}")));
    }
    lines.extend(cookies.iter().map(|cookie| format!("cookie {cookie}")));
    if let Some(identity) = identity {
        let debug = format!("{identity:?}");
        let facts = debug
            .trim_start_matches("Identity { ")
            .trim_end_matches(" }");
        let facts = facts.split(", ").filter(|fact| !fact.ends_with(": None"));
        lines.extend(facts.map(|fact| format!("identity {fact}")));
    }
    lines.extend(
        authorizer
            .as_ref()
            .map(|authorizer| format!("{authorizer:?}")),
    );
    lines.push(format!("body: {:?}", String::from_utf8_lossy(body)));
    lines.join("\n")
}

/// What a request is made of an event.
fn shown(event: &str) -> String {
    show(&request(event.as_bytes()).unwrap())
}

/// What of a sample is otherwise than in one that is shown.
fn unlike(known: &str, name: &str) -> String {
    let (known, new) = (shown(&sample(known)), shown(&sample(name)));
    let lacks = |text: &str, line: &str| !text.lines().any(|other| other == line);
    let gone = known.lines().filter(|line| lacks(&new, line));
    let come = new.lines().filter(|line| lacks(&known, line));
    let gone = gone.map(|line| format!("- {line}"));
    gone.chain(come.map(|line| format!("+ {line}")))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Why no request is made of an event.
fn refused(event: impl AsRef<[u8]>) -> String {
    Failure::from(request(event.as_ref()).err().unwrap()).to_string()
}
