//! Finds routes that do not stream although their function does, and the reverse.

use std::path::Path;

use lambda_wasm_emulator::{Api, Function, InvokeMode};
use lambda_wasm_host::artifact::Trailer;
use lambda_wasm_host::policy::Policy;
use lambda_wasm_host::world::{self, World};

/// Returns notes about routes or a URL with another mode than the function: how AWS treats its
/// responses. A component or policy that cannot be read has no notes, since the start of the function
/// reports it.
pub fn notes(function: &Function, dist: &Path) -> Vec<String> {
    match read(dist, &function.handler) {
        Some((world, stream)) => notes_for(function, world, stream),
        None => Vec::new(),
    }
}

/// Returns whether a function streams its responses; nothing if its component or policy cannot be read.
pub fn streams(dist: &Path, handler: &str) -> Option<bool> {
    let (world, stream) = read(dist, handler)?;
    Some(does_stream(world, stream))
}

/// Reads the world of a component, and `stream` in its policy.
fn read(dist: &Path, handler: &str) -> Option<(World, Option<bool>)> {
    let artifact = dist.join(format!("{handler}.cwasm"));
    let trailer = Trailer::inspect(&artifact).ok()?;
    let policy = Policy::read(&Policy::path(&artifact)).ok()?;
    let exports = trailer.exports.iter().map(String::as_str);
    let world = world::examine(trailer.needs(), exports).ok()?;
    Some((world, policy.stream))
}

fn can_stream(world: World) -> bool {
    !matches!(world, World::ApiFunction | World::HandlerFunction)
}

fn does_stream(world: World, stream: Option<bool>) -> bool {
    can_stream(world) && stream.unwrap_or(world == World::StreamingFunction)
}

fn notes_for(function: &Function, world: World, stream: Option<bool>) -> Vec<String> {
    let (can, streams) = (can_stream(world), does_stream(world, stream));
    let routes = function.routes.iter();
    let mut mismatched: Vec<_> = routes
        .filter(|route| (route.mode == InvokeMode::ResponseStream) != streams)
        .map(|route| (Some(route.api), route.key()))
        .collect();
    if let Some(mode) = function.url
        && (mode == InvokeMode::ResponseStream) != streams
    {
        mismatched.push((None, format!("its function URL ({mode})")));
    }
    // Only these responses have a form that the REST API does not know.
    let is_refused =
        |api: &Option<Api>| streams && *api == Some(Api::Rest) && world != World::StreamingFunction;
    let (refused, whole): (Vec<_>, Vec<_>) =
        mismatched.into_iter().partition(|(api, _)| is_refused(api));
    let (name, handler) = (&function.name, &function.handler);
    let listed = |places: Vec<(Option<Api>, String)>| {
        let places: Vec<_> = places.into_iter().map(|(_, place)| place).collect();
        places.join(", ")
    };
    let mut notes = Vec::new();
    if !refused.is_empty() {
        notes.push(format!(
            "{name}: the function streams (`stream = true` in {handler}.toml), and {} does not: API Gateway answers 502 there, and dev shows the response whole\nhint: set `ResponseTransferMode: RESPONSE_STREAM` at the event, or `stream = false` in {handler}.toml",
            listed(refused)
        ));
    }
    if !whole.is_empty() {
        let (does, hint) = match (streams, can) {
            (true, _) => (
                format!("the function streams, and {} does not", listed(whole)),
                "set `InvokeMode: RESPONSE_STREAM` under FunctionUrlConfig, or `ResponseTransferMode: RESPONSE_STREAM` at an event of type Api; HTTP APIs cannot stream".to_owned(),
            ),
            (false, true) => (
                format!("{} streams, and the function does not", listed(whole)),
                format!("set `stream = true` in {handler}.toml"),
            ),
            (false, false) => (
                format!("{} streams, and the function does not", listed(whole)),
                format!("a component that exports {} cannot stream", world.interface()),
            ),
        };
        notes.push(format!(
            "{name}: {does}: clients get a response whole, once it is complete, and it may have at most 6 MB\nhint: {hint}"
        ));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use lambda_wasm_emulator::Template;

    fn notes(world: World, stream: Option<bool>, properties: &str) -> Vec<String> {
        let template = format!(
            "Resources: {{ F: {{ Type: 'AWS::Serverless::Function', Properties: {{ Handler: f, {properties} }} }} }}"
        );
        let template = Template::parse(&template).unwrap();
        notes_for(&template.functions[0], world, stream)
    }

    const BUFFERED: &str = "FunctionUrlConfig: { InvokeMode: BUFFERED }, Events: { A: { Type: Api, Properties: { Path: /a, Method: get } } }";
    const STREAMED: &str = "FunctionUrlConfig: { InvokeMode: RESPONSE_STREAM }, Events: { A: { Type: Api, Properties: { Path: /a, Method: get, ResponseTransferMode: RESPONSE_STREAM } } }";

    #[test]
    fn a_function_with_the_mode_of_its_routes_has_no_note() {
        for (stream, properties) in [(Some(true), STREAMED), (None, BUFFERED)] {
            let none: [String; 0] = [];
            assert_eq!(notes(World::HttpProxy, stream, properties), none);
        }
    }

    #[test]
    fn a_function_that_streams_behind_what_buffers_has_a_note_of_each_outcome() {
        let [refused, whole] = &notes(World::HttpProxy, Some(true), BUFFERED)[..] else {
            panic!("two notes")
        };
        assert!(refused.contains("GET /a does not: API Gateway answers 502"));
        assert!(
            whole.contains("its function URL (BUFFERED) does not: clients get a response whole")
        );
        let streaming = notes(World::StreamingFunction, None, BUFFERED);
        assert!(streaming[0].contains("GET /a, its function URL (BUFFERED) does not: clients get"));
        assert_eq!(streaming.len(), 1);
    }

    #[test]
    fn a_function_that_does_not_stream_behind_what_streams_has_a_note() {
        let [note] = &notes(World::HttpService, None, STREAMED)[..] else {
            panic!("one note")
        };
        assert!(note.contains(
            "GET /a, its function URL (RESPONSE_STREAM) streams, and the function does not"
        ));
        assert!(
            note.ends_with("hint: set `stream = true` in f.toml"),
            "{note}"
        );
        let [note] = &notes(World::ApiFunction, Some(true), STREAMED)[..] else {
            panic!("one note")
        };
        assert!(
            note.ends_with("that exports lambda:function/api cannot stream"),
            "{note}"
        );
    }
}
