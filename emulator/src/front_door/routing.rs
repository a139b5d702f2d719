//! Which resource of a REST API a request is for.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

use crate::template::{Function, Route};

/// A route that a request took.
#[derive(Debug)]
pub(super) struct Match<'a> {
    pub function: &'a Function,
    pub route: &'a Route,
    /// The path parameters, decoded.
    pub parameters: BTreeMap<String, String>,
}

/// Finds the route as API Gateway does: the most literal resource that fits, then its method, then
/// its `ANY`.
pub(super) fn find<'a>(functions: &'a [Function], method: &str, path: &str) -> Option<Match<'a>> {
    let candidates = functions.iter().flat_map(|function| {
        let routes = function.routes.iter();
        routes.filter_map(move |route| {
            let parameters = parameters(&route.path, path)?;
            Some(Match {
                function,
                route,
                parameters,
            })
        })
    });
    let mut candidates: Vec<_> = candidates.collect();
    let best = candidates.iter().map(|found| rank(found)).min()?;
    candidates.retain(|found| rank(found) == best);
    let by_method = |wanted: &str| candidates.iter().position(|m| m.route.method == wanted);
    let chosen = by_method(method).or_else(|| by_method("ANY"))?;
    Some(candidates.swap_remove(chosen))
}

/// The parameters with which a resource fits a path, or nothing if it does not.
fn parameters(resource: &str, path: &str) -> Option<BTreeMap<String, String>> {
    let mut parameters = BTreeMap::new();
    let mut path = segments(path);
    for part in segments(resource) {
        match Part::of(part) {
            Part::Literal(text) => {
                if path.next()? != text {
                    return None;
                }
            }
            Part::Parameter(name) => {
                let value = path.next().filter(|value| !value.is_empty())?;
                parameters.insert(name.to_owned(), decode(value));
            }
            Part::Greedy(name) => {
                let rest: Vec<_> = path.by_ref().map(decode).collect();
                if rest.iter().all(String::is_empty) {
                    return None;
                }
                parameters.insert(name.to_owned(), rest.join("/"));
            }
        }
    }
    path.next().is_none().then_some(parameters)
}

/// Orders resources: literal parts before parameters before `{proxy+}`, from the left.
fn rank(found: &Match<'_>) -> Vec<u8> {
    let parts = segments(&found.route.path).map(|part| match Part::of(part) {
        Part::Literal(_) => 0,
        Part::Parameter(_) => 1,
        Part::Greedy(_) => 2,
    });
    parts.collect()
}

/// The parts between slashes; one slash at the end does not count.
fn segments(path: &str) -> impl Iterator<Item = &str> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    path.split('/')
}

enum Part<'a> {
    Literal(&'a str),
    Parameter(&'a str),
    Greedy(&'a str),
}

impl<'a> Part<'a> {
    fn of(part: &'a str) -> Self {
        let inner = part.strip_prefix('{').and_then(|p| p.strip_suffix('}'));
        match inner {
            Some(name) => match name.strip_suffix('+') {
                Some(name) => Self::Greedy(name),
                None => Self::Parameter(name),
            },
            None => Self::Literal(part),
        }
    }
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn functions(routes: &[(&str, &str)]) -> Vec<Function> {
        let routes = routes.iter().map(|(method, path)| Route {
            method: (*method).to_owned(),
            path: (*path).to_owned(),
        });
        let template =
            "Resources: {F: {Type: 'AWS::Serverless::Function', Properties: {Handler: f}}}";
        let mut functions = crate::Template::parse(template).unwrap().functions;
        functions[0].routes = routes.collect();
        functions
    }

    fn route(method: &str, path: &str) -> String {
        let functions = functions(&[
            ("GET", "/"),
            ("ANY", "/{proxy+}"),
            ("GET", "/hello/{name}"),
            ("GET", "/hello/me"),
            ("ANY", "/hello/me"),
            ("POST", "/hello/{name}/{rest+}"),
        ]);
        let found = find(&functions, method, path);
        found.map_or("none".to_owned(), |found| {
            let route = found.route;
            format!("{} {} {:?}", route.method, route.path, found.parameters)
        })
    }

    #[test]
    fn the_most_literal_resource_wins_and_then_its_method() {
        assert_eq!(route("GET", "/"), "GET / {}");
        assert_eq!(route("GET", "/hello/me"), "GET /hello/me {}");
        assert_eq!(route("PUT", "/hello/me"), "ANY /hello/me {}");
        assert_eq!(
            route("GET", "/hello/you"),
            r#"GET /hello/{name} {"name": "you"}"#
        );
        assert_eq!(
            route("GET", "/hello/you/"),
            r#"GET /hello/{name} {"name": "you"}"#
        );
        assert_eq!(
            route("GET", "/else/a/b"),
            r#"ANY /{proxy+} {"proxy": "else/a/b"}"#
        );
    }

    #[test]
    fn a_resource_without_the_method_is_no_route() {
        assert_eq!(route("DELETE", "/hello/you"), "none");
        assert_eq!(route("POST", "/"), "none");
        assert_eq!(route("GET", "/hello/a/b"), "none");
    }

    #[test]
    fn parameters_are_decoded_after_the_path_is_cut() {
        let found = r#"GET /hello/{name} {"name": "a b/c é"}"#;
        assert_eq!(route("GET", "/hello/a%20b%2Fc%20%C3%A9"), found);
        let found = r#"POST /hello/{name}/{rest+} {"name": "n", "rest": "x y/z"}"#;
        assert_eq!(route("POST", "/hello/n/x%20y/z"), found);
    }
}
