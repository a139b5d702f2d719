//! What a developer sees when everything listens: the routes, and a line to try.

use std::fmt::Write;
use std::net::SocketAddr;

use lambda_wasm_emulator::{Function, Route, Template};

/// The routes of all functions, then one line to try for each function.
pub(super) fn text(address: SocketAddr, template: &Template) -> String {
    let mut text = format!("Listening on http://{address} (Ctrl-C stops it)\n\n");
    let all = template.functions.iter().flat_map(|function| {
        let routes = function.routes.iter();
        routes.map(move |route| (route, &function.name))
    });
    let all: Vec<_> = all.collect();
    let width = all.iter().map(|(route, _)| route.path.len()).max();
    let width = width.unwrap_or_default();
    for (Route { method, path, .. }, name) in &all {
        // Writing into a String cannot fail, here and below.
        let _ = writeln!(text, "  {method:7} {path:width$}  {name}");
    }
    let _ = writeln!(text, "{}Try it:", if all.is_empty() { "" } else { "\n" });
    for function in &template.functions {
        let _ = writeln!(text, "  {}", example(address, function));
    }
    text
}

/// A command that calls a function: its first `GET` route, or else its first, or else its name.
fn example(address: SocketAddr, function: &Function) -> String {
    let routes = &function.routes;
    let simple = routes.iter().find(|route| is_get(route));
    match simple.or(routes.first()) {
        Some(route) if is_get(route) => format!("curl http://{address}{}", sample(&route.path)),
        Some(route) => {
            let (method, path) = (&route.method, sample(&route.path));
            format!("curl -X {method} http://{address}{path}")
        }
        None => {
            let name = &function.name;
            format!("curl -d '{{}}' http://{address}/2015-03-31/functions/{name}/invocations")
        }
    }
}

fn is_get(route: &Route) -> bool {
    matches!(route.method.as_str(), "GET" | "ANY")
}

/// A path that fits a resource.
fn sample(resource: &str) -> String {
    let part = |part: &str| match part {
        "{name}" => "developer".to_owned(),
        part if part.starts_with('{') => "sample".to_owned(),
        part => part.to_owned(),
    };
    let parts: Vec<_> = resource.split('/').map(part).collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_lists_the_routes_and_gives_a_line_for_each_function() {
        let template = r#"
            Resources:
              Hello:
                Type: AWS::Serverless::Function
                Properties:
                  Handler: hello
                  Events:
                    Put: { Type: Api, Properties: { Path: "/{proxy+}", Method: put } }
                    Get: { Type: Api, Properties: { Path: "/hello/{name}", Method: get } }
              Jobs:
                Type: AWS::Serverless::Function
                Properties: { Handler: jobs }"#;
        let template = Template::parse(template).unwrap();
        let expected = "\
Listening on http://127.0.0.1:3000 (Ctrl-C stops it)

  PUT     /{proxy+}      Hello
  GET     /hello/{name}  Hello

Try it:
  curl http://127.0.0.1:3000/hello/developer
  curl -d '{}' http://127.0.0.1:3000/2015-03-31/functions/Jobs/invocations
";
        let address = SocketAddr::from(([127, 0, 0, 1], 3000));
        assert_eq!(text(address, &template), expected);
    }
}
