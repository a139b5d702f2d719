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
    lines.extend(identity.iter().flat_map(show_identity));
    lines.extend(
        authorizer
            .as_ref()
            .map(|authorizer| format!("{authorizer:?}")),
    );
    lines.push(format!("body: {:?}", String::from_utf8_lossy(body)));
    lines.join("\n")
}

/// A line for each thing that is known of the caller.
fn show_identity(identity: &api::Identity) -> Vec<String> {
    let api::Identity {
        account_id,
        access_key,
        caller,
        user,
        user_arn,
        principal_org_id,
        api_key,
        api_key_id,
        cognito_identity_id,
        cognito_identity_pool_id,
        cognito_authentication_type,
        cognito_authentication_provider,
        source_vpc,
        client_certificate,
    } = identity;
    let show = |kind: &'static str| {
        move |(name, text): (&str, &Option<String>)| {
            Some(format!("{kind} {name}: {:?}", text.as_ref()?))
        }
    };
    let facts = [
        ("account-id", account_id),
        ("access-key", access_key),
        ("caller", caller),
        ("user", user),
        ("user-arn", user_arn),
        ("principal-org-id", principal_org_id),
        ("api-key", api_key),
        ("api-key-id", api_key_id),
        ("cognito-identity-id", cognito_identity_id),
        ("cognito-identity-pool-id", cognito_identity_pool_id),
        ("cognito-authentication-type", cognito_authentication_type),
        (
            "cognito-authentication-provider",
            cognito_authentication_provider,
        ),
        ("source-vpc", source_vpc),
    ];
    let mut lines: Vec<String> = facts.into_iter().filter_map(show("identity")).collect();
    if let Some(certificate) = client_certificate {
        let api::Certificate {
            pem,
            subject,
            issuer,
            serial_number,
            not_before,
            not_after,
        } = certificate;
        let facts = [
            ("pem", pem),
            ("subject", subject),
            ("issuer", issuer),
            ("serial-number", serial_number),
            ("not-before", not_before),
            ("not-after", not_after),
        ];
        lines.extend(facts.into_iter().filter_map(show("certificate")));
    }
    lines
}

/// Returns the request in an event.
fn shown(event: &str) -> String {
    show(&request(event.as_bytes()).unwrap())
}

/// Returns the differences of a sample from a sample that is shown.
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
