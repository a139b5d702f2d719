//! Finds the route of a request.

use std::collections::BTreeMap;
use std::sync::Arc;

use percent_encoding::percent_decode_str;

use crate::template::{Api, ApiSettings, Function, Route};

/// A route that matches a request.
#[derive(Debug)]
pub(super) struct Match<'a> {
    pub function: &'a Function,
    pub route: &'a Route,
    /// The path parameters, decoded.
    pub parameters: BTreeMap<String, String>,
    pub prefix: Prefix,
}

/// The part of a request's path that stands before the path of its route, with its length in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prefix {
    None,
    /// The stage, in the URL that API Gateway gives an API.
    Stage(usize),
    /// A base path of a custom domain: "API mappings" in
    /// <https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-mappings.html>.
    BasePath(usize),
}

impl Prefix {
    /// Returns a path without this prefix.
    pub fn strip(self, path: &str) -> &str {
        let (Self::Stage(length) | Self::BasePath(length)) = self else {
            return path;
        };
        match path.get(length..) {
            None | Some("") => "/",
            Some(rest) => rest,
        }
    }
}

/// Finds the route of an API by the rules of API Gateway.
///
/// A REST API takes the most literal resource that matches, then its method, then its `ANY`. An HTTP
/// API takes a route that matches with its method, or else its `$default`.
pub(super) fn find<'a>(
    functions: &'a [Function],
    api: Api,
    method: &str,
    path: &str,
) -> Option<Match<'a>> {
    find_among(functions, api, method, path, &|route| route.api == api)
}

fn find_among<'a>(
    functions: &'a [Function],
    api: Api,
    method: &str,
    path: &str,
    is_among: &dyn Fn(&Route) -> bool,
) -> Option<Match<'a>> {
    let takes = |found: &Match<'_>| [method, "ANY"].contains(&found.route.method.as_str());
    let mut candidates = candidates(functions, path, is_among);
    if api == Api::Http {
        candidates.retain(takes);
    }
    let mut candidates = most_literal(candidates);
    candidates.retain(takes);
    // A route that names the method wins.
    candidates.sort_by_key(|found| found.route.method == "ANY");
    candidates.into_iter().next()
}

/// Returns the routes of all methods of the REST API's resource that takes a path.
pub(super) fn resource<'a>(functions: &'a [Function], path: &str) -> Vec<Match<'a>> {
    let of = |path: &str, is_among: &dyn Fn(&Route) -> bool| {
        let is_rest = |route: &Route| route.api == Api::Rest && is_among(route);
        let found = most_literal(candidates(functions, path, &is_rest));
        (!found.is_empty()).then_some(found)
    };
    let plain = of(path, &|_| true);
    let found = plain.or_else(|| {
        behind_prefix(functions, path, |path, settings, _| {
            of(path, &|route| Arc::ptr_eq(&route.settings, settings))
        })
    });
    found.unwrap_or_default()
}

/// Returns the first result of `find` for a path without its prefix, which it is given with the settings of the prefix's API.
fn behind_prefix<T>(
    functions: &[Function],
    path: &str,
    find: impl Fn(&str, &Arc<ApiSettings>, Prefix) -> Option<T>,
) -> Option<T> {
    let routes = functions.iter().flat_map(|function| &function.routes);
    let mut prefixes = routes.flat_map(|route| {
        let settings = &route.settings;
        let bases = settings.base_paths.iter();
        let bases = bases.map(|base| (base, Prefix::BasePath(base.len() + 1)));
        let stage = Some(&settings.stage).filter(|stage| *stage != "$default");
        let stage = stage.map(|stage| (stage, Prefix::Stage(stage.len() + 1)));
        let all = bases.chain(stage);
        all.map(move |(text, prefix)| (text, prefix, settings))
    });
    prefixes.find_map(|(text, prefix, settings)| {
        let rest = path.strip_prefix('/')?.strip_prefix(text.as_str())?;
        let is_whole = rest.is_empty() || rest.starts_with('/');
        is_whole.then(|| find(prefix.strip(path), settings, prefix))?
    })
}

/// Returns the routes whose resource matches a path.
fn candidates<'a>(
    functions: &'a [Function],
    path: &str,
    is_among: &dyn Fn(&Route) -> bool,
) -> Vec<Match<'a>> {
    let candidates = functions.iter().flat_map(|function| {
        let routes = function.routes.iter().filter(|route| is_among(route));
        routes.filter_map(move |route| {
            let parameters = match route.path.as_str() {
                Route::DEFAULT => BTreeMap::new(),
                resource => parameters(resource, path)?,
            };
            Some(Match {
                function,
                route,
                parameters,
                prefix: Prefix::None,
            })
        })
    });
    candidates.collect()
}

fn most_literal(mut candidates: Vec<Match<'_>>) -> Vec<Match<'_>> {
    if let Some(best) = candidates.iter().map(rank).min() {
        candidates.retain(|found| rank(found) == best);
    }
    candidates
}

/// Returns the parameters with which a resource matches a path, or `None`.
fn parameters(resource: &str, path: &str) -> Option<BTreeMap<String, String>> {
    let mut parameters = BTreeMap::new();
    let mut path = segments(path);
    for part in segments(resource) {
        match Part::parse(part) {
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

/// Finds the API and the route of a request to both kinds of APIs: the most literal route, or the REST
/// API's of two equal routes. If there is no route, the path may start with the stage or a base path of an API.
pub(super) fn find_in_any<'a>(
    functions: &'a [Function],
    method: &str,
    path: &str,
) -> Option<Match<'a>> {
    let found = [Api::Rest, Api::Http].map(|api| find(functions, api, method, path));
    let found = found.into_iter().flatten();
    let best = found.min_by_key(|found| (rank(found), found.route.method == "ANY"));
    best.or_else(|| {
        behind_prefix(functions, path, |path, settings, prefix| {
            let is_own = |route: &Route| Arc::ptr_eq(&route.settings, settings);
            let of = |api| {
                find_among(functions, api, method, path, &|route| {
                    route.api == api && is_own(route)
                })
            };
            let found = of(Api::Rest).or_else(|| of(Api::Http))?;
            Some(Match { prefix, ..found })
        })
    })
}

/// Orders resources from the left: literal parts, then parameters, then `{proxy+}`. `$default` is last.
pub(super) fn rank(found: &Match<'_>) -> Vec<u8> {
    let parts = segments(&found.route.path).map(|part| match Part::parse(part) {
        Part::Literal(Route::DEFAULT) => 3,
        Part::Literal(_) => 0,
        Part::Parameter(_) => 1,
        Part::Greedy(_) => 2,
    });
    parts.collect()
}

/// Returns the parts between slashes. One slash at the end does not count.
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
    fn parse(part: &'a str) -> Self {
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

pub(super) fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route_of(api: Api, method: &str, path: &str) -> String {
        let mut function = Function::new("F", "f");
        let mut add = |method: &str, path: &str| {
            function.routes.push(Route::new(api, method, path));
        };
        add("GET", "/");
        add("ANY", "/{proxy+}");
        add("GET", "/hello/{name}");
        add("ANY", "/hello/me");
        add("GET", "/hello/me");
        add("POST", "/hello/{name}/{rest+}");
        if api == Api::Http {
            add("ANY", "$default");
        }
        let functions = [function];
        let found = find(&functions, api, method, path);
        found.map_or("none".to_owned(), |found| {
            format!("{} {:?}", found.route.key(), found.parameters)
        })
    }

    fn route(method: &str, path: &str) -> String {
        route_of(Api::Rest, method, path)
    }

    #[test]
    fn an_http_api_goes_on_where_the_method_is_not_there() {
        let route = |method: &str, path: &str| route_of(Api::Http, method, path);
        assert_eq!(route("GET", "/hello/me"), "GET /hello/me {}");
        assert_eq!(route("PUT", "/hello/me"), "ANY /hello/me {}");
        let found = r#"ANY /{proxy+} {"proxy": "hello/you"}"#;
        assert_eq!(route("DELETE", "/hello/you"), found);
        assert_eq!(route("POST", "/"), "$default {}");
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
    fn the_most_literal_route_of_both_apis_wins() {
        let mut function = Function::new("F", "f");
        for (api, method, path) in [
            (Api::Http, "GET", "/params"),
            (Api::Rest, "ANY", "/{proxy+}"),
            (Api::Rest, "ANY", "/same"),
            (Api::Http, "GET", "/same"),
            (Api::Rest, "ANY", "/twice"),
            (Api::Http, "ANY", "/twice"),
            (Api::Http, "ANY", "$default"),
        ] {
            function.routes.push(Route::new(api, method, path));
        }
        let functions = [function];
        let route = |method: &str, path: &str| {
            let found = find_in_any(&functions, method, path).unwrap();
            format!("{:?} {}", found.route.api, found.route.key())
        };
        assert_eq!(route("GET", "/params"), "Http GET /params");
        assert_eq!(route("POST", "/params"), "Rest ANY /{proxy+}");
        assert_eq!(route("GET", "/else"), "Rest ANY /{proxy+}");
        assert_eq!(route("GET", "/same"), "Http GET /same");
        assert_eq!(route("PUT", "/same"), "Rest ANY /same");
        assert_eq!(route("GET", "/twice"), "Rest ANY /twice");
        assert_eq!(route("GET", "/"), "Http $default");
    }

    #[test]
    fn parameters_are_decoded_after_the_path_is_cut() {
        let found = r#"GET /hello/{name} {"name": "a b/c é"}"#;
        assert_eq!(route("GET", "/hello/a%20b%2Fc%20%C3%A9"), found);
        let found = r#"POST /hello/{name}/{rest+} {"name": "n", "rest": "x y/z"}"#;
        assert_eq!(route("POST", "/hello/n/x%20y/z"), found);
    }
}
