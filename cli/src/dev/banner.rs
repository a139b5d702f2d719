//! The text that `dev` prints when it listens: the routes and URLs, and commands to try.

use std::fmt::Write;
use std::net::SocketAddr;

use lambda_wasm_emulator::{Function, InvokeMode, Route};
use serde_json::{Value, json};

use super::page;

/// A function, and the address of its URL if it has one.
pub(super) type Listed<'a> = (&'a Function, Option<SocketAddr>);

/// A function behind a load balancer, and its address.
pub(super) type Balanced<'a> = (&'a Function, SocketAddr);

/// Returns the text: all routes and URLs, then commands to try.
pub(super) fn text(
    address: SocketAddr,
    functions: &[Listed<'_>],
    balanced: &[Balanced<'_>],
) -> String {
    let mut text = format!(
        "Listening on http://{address} (Ctrl-C stops it)\nThe invocations are on {}\n\n",
        page(address)
    );
    let balancers = balanced.iter().map(|(function, address)| {
        let place = format!("http://{address}/");
        ["ALB".to_owned(), place, function.name.clone()]
    });
    let rows: Vec<_> = functions.iter().flat_map(rows).chain(balancers).collect();
    let width = rows.iter().map(|[_, place, _]| place.len()).max();
    let width = width.unwrap_or_default();
    for [kind, place, name] in &rows {
        // Writing into a String cannot fail, here and below.
        let _ = writeln!(text, "  {kind:7} {place:width$}  {name}");
    }
    let _ = writeln!(text, "{}Try it:", if rows.is_empty() { "" } else { "\n" });
    for line in functions
        .iter()
        .flat_map(|listed| examples(address, listed))
    {
        let _ = writeln!(text, "  {line}");
    }
    text
}

/// Returns the line about a function URL that was opened later.
pub(super) fn added(function: &Function, address: SocketAddr) -> String {
    url_row(function, address).join("  ")
}

/// Returns the routes and URLs as a line of JSON.
pub(super) fn json(
    address: SocketAddr,
    functions: &[Listed<'_>],
    balanced: &[Balanced<'_>],
) -> String {
    let functions = functions.iter();
    let functions: Vec<_> = functions
        .map(|(function, url)| function_json(function, *url))
        .collect();
    let balancer = |(function, address): &Balanced<'_>| json!({ "function": function.name, "url": format!("http://{address}/") });
    let balancers: Vec<_> = balanced.iter().map(balancer).collect();
    let line = json!({
        "type": "listening", "address": format!("http://{address}"), "functions": functions,
        "loadBalancers": balancers, "page": page(address),
    });
    format!("{line}\n")
}

/// Returns a function with its routes and its URL as JSON.
pub(super) fn function_json(function: &Function, url: Option<SocketAddr>) -> Value {
    let route = |route: &Route| json!({ "method": route.method, "path": route.path });
    json!({
        "name": function.name,
        "routes": function.routes.iter().map(route).collect::<Vec<Value>>(),
        "url": url.map(|address| format!("http://{address}/")),
    })
}

fn page(address: SocketAddr) -> String {
    format!("http://{address}{}", page::PATH)
}

/// Returns the line of JSON about a function URL that was opened later.
pub(super) fn added_json(function: &Function, address: SocketAddr) -> Value {
    json!({ "type": "url", "function": function.name, "url": format!("http://{address}/") })
}

/// Returns the routes of a function and its URL: kind, place and name.
fn rows((function, url): &Listed<'_>) -> Vec<[String; 3]> {
    let routes = function.routes.iter().map(|route| {
        let (method, path) = (route.method.clone(), route.path.clone());
        [method, path, function.name.clone()]
    });
    let url = url.map(|address| url_row(function, address));
    routes.chain(url).collect()
}

fn url_row(function: &Function, address: SocketAddr) -> [String; 3] {
    let mode = function.url.map(|mode| format!(" ({mode})"));
    let name = format!("{}{}", function.name, mode.unwrap_or_default());
    ["URL".to_owned(), format!("http://{address}/"), name]
}

/// Returns commands that call a function: by its first `GET` route or else its first route, and by
/// its URL. A function without a route and a URL is called by its name.
fn examples(address: SocketAddr, (function, url): &Listed<'_>) -> Vec<String> {
    let routes = &function.routes;
    let simple = routes.iter().find(|route| is_get(route));
    let route = simple.or(routes.first()).map(|route| {
        let path = sample(&route.path);
        match is_get(route) {
            true => format!("curl http://{address}{path}"),
            false => format!("curl -X {} http://{address}{path}", route.method),
        }
    });
    let url = url.map(|address| match function.url {
        // Without -N, curl may show lines later than they arrive.
        Some(InvokeMode::ResponseStream) => format!("curl -N http://{address}/"),
        _ => format!("curl http://{address}/"),
    });
    let mut lines: Vec<_> = route.into_iter().chain(url).collect();
    if lines.is_empty() {
        let name = &function.name;
        lines.push(format!(
            "curl -d '{{}}' http://{address}/2015-03-31/functions/{name}/invocations"
        ));
    }
    lines
}

fn is_get(route: &Route) -> bool {
    matches!(route.method.as_str(), "GET" | "ANY")
}

/// Returns a path that matches a resource.
fn sample(resource: &str) -> String {
    let part = |part: &str| match part {
        "{name}" => "developer".to_owned(),
        part if part.starts_with('{') => "sample".to_owned(),
        part => part.to_owned(),
    };
    if resource == Route::DEFAULT {
        return "/".to_owned();
    }
    let parts: Vec<_> = resource.split('/').map(part).collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use lambda_wasm_emulator::Template;

    #[test]
    fn routes_urls_and_commands_are_listed() {
        let template = r#"
            Resources:
              Hello:
                Type: AWS::Serverless::Function
                Properties:
                  Handler: hello
                  Events:
                    Put: { Type: Api, Properties: { Path: "/{proxy+}", Method: put } }
                    Get: { Type: Api, Properties: { Path: "/hello/{name}", Method: get } }
              Web:
                Type: AWS::Serverless::Function
                Properties:
                  Handler: web
                  Events: { All: { Type: HttpApi } }
                  FunctionUrlConfig: { AuthType: NONE, InvokeMode: RESPONSE_STREAM }
              Jobs:
                Type: AWS::Serverless::Function
                Properties: { Handler: jobs }"#;
        let template = Template::parse(template).unwrap();
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let urls = [None, Some(address(3001)), None];
        let listed: Vec<_> = template.functions.iter().zip(urls).collect();
        let expected = "\
Listening on http://127.0.0.1:3000 (Ctrl-C stops it)
The invocations are on http://127.0.0.1:3000/_lambda

  PUT     /{proxy+}               Hello
  GET     /hello/{name}           Hello
  ANY     $default                Web
  URL     http://127.0.0.1:3001/  Web (RESPONSE_STREAM)

Try it:
  curl http://127.0.0.1:3000/hello/developer
  curl http://127.0.0.1:3000/
  curl -N http://127.0.0.1:3001/
  curl -d '{}' http://127.0.0.1:3000/2015-03-31/functions/Jobs/invocations
";
        assert_eq!(text(address(3000), &listed, &[]), expected);
        let web = &template.functions[1];
        let text = text(address(3000), &listed, &[(web, address(3100))]);
        assert!(
            text.contains("\n  ALB     http://127.0.0.1:3100/  Web\n"),
            "{text}"
        );
        let added = added(&template.functions[1], address(3001));
        assert_eq!(added, "URL  http://127.0.0.1:3001/  Web (RESPONSE_STREAM)");
    }
}
