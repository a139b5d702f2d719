use super::*;
use crate::interfaces::{DRAFT_VERSION, WASI_3_VERSION, WASI_VERSION};

const HANDLER: &str = "lambda:function/handler@0.1.0";

#[test]
fn the_export_tells_the_world() {
    assert_eq!(examine([], [HANDLER]), Ok(World::HandlerFunction));
    assert_eq!(
        examine([], ["init", "lambda:function/api@0.1.0", "exports"]),
        Ok(World::ApiFunction)
    );
}

#[test]
fn wasi_http_components_are_functions_in_every_version_of_their_line() {
    for version in ["0.2.0", WASI_VERSION, "0.2.99"] {
        let export = format!("wasi:http/incoming-handler@{version}");
        assert_eq!(examine([], [export.as_str()]), Ok(World::HttpProxy));
    }
    let new = "wasi:http/handler@0.3.0";
    assert_eq!(examine([], [new]), Ok(World::HttpService));
    assert_eq!(
        examine([], ["wasi:http/incoming-handler@0.2.4", new]),
        Ok(World::HttpService)
    );
    for export in [
        "wasi:http/handler@0.2.0",
        "wasi:http/handler@0.3.0-rc-2025-09-16",
    ] {
        let incompatible = examine([], [export]).unwrap_err().to_string();
        assert!(
            incompatible.contains("but this version calls 0.3.0 and later 0.3"),
            "{incompatible}"
        );
    }
}

#[test]
fn all_of_wasi_may_be_imported() {
    let all = |version: &str, line: ReleaseLine| -> Vec<String> {
        let offered = INTERFACES.iter().filter(|row| row.lines.contains(&line));
        offered
            .map(|row| format!("{}@{version}", row.name))
            .collect()
    };
    for (version, line) in [
        ("0.2.0", ReleaseLine::Wasi2),
        ("0.2.6", ReleaseLine::Wasi2),
        (WASI_VERSION, ReleaseLine::Wasi2),
        ("0.2.99", ReleaseLine::Wasi2),
        (WASI_3_VERSION, ReleaseLine::Wasi3),
        ("0.3.9", ReleaseLine::Wasi3),
        (FUNCTION_VERSION, ReleaseLine::Function),
        (DRAFT_VERSION, ReleaseLine::Draft2),
    ] {
        let imports = all(version, line);
        assert_eq!(
            examine(imports.iter().map(String::as_str), [HANDLER]),
            Ok(World::HandlerFunction)
        );
        assert_eq!(
            needs_concurrency(imports.iter().map(String::as_str)),
            line == ReleaseLine::Wasi3
        );
    }
}

#[test]
fn every_draft_of_the_configuration_may_be_imported() {
    for import in [
        "wasi:config/runtime@0.2.0-draft",
        "wasi:config/store@0.2.0-draft",
        "wasi:config/store@0.2.0-draft-2024-09-27",
        "wasi:config/store@0.2.0-rc.1",
    ] {
        assert_eq!(examine([import], [HANDLER]), Ok(World::HandlerFunction));
    }
}

#[test]
fn components_of_release_candidates_need_a_newer_sdk() {
    for (import, export) in [
        ("wasi:cli/exit@0.2.0-rc-2023-11-10", HANDLER),
        ("wasi:http/client@0.3.0-rc-2025-09-16", HANDLER),
        ("wasi:clocks/timezone@0.2.0-rc-2023-12-05", HANDLER),
        ("wasi:io/streams", HANDLER),
        (
            "wasi:io/poll@0.2.0",
            "wasi:http/incoming-handler@0.2.0-rc-2023-11-10",
        ),
    ] {
        let incompatible = examine([import], [export]).unwrap_err().to_string();
        assert!(incompatible.contains("a newer SDK"), "{incompatible}");
    }
}

#[test]
fn middleware_is_to_be_composed() {
    for import in [
        "wasi:http/handler@0.3.0",
        "wasi:http/incoming-handler@0.2.4",
    ] {
        let incompatible = examine([import], ["wasi:http/handler@0.3.0"]).unwrap_err();
        assert!(
            incompatible.to_string().contains("--wrap MIDDLEWARE.wasm"),
            "{incompatible}"
        );
    }
}

#[test]
fn each_import_that_does_not_fit_is_named_once() {
    let imports = [
        "wasi:cli/exit@0.2.0",
        "wasi:cli/exit@0.1.0",
        "wasi:io/poll@0.3.0",
        "wasi:cli/exit@0.2.0-rc-2023-11-10",
        "wasi:cli/exit",
        "wasi:keyvalue/store@0.2.0",
        "lambda:function/invocation@0.2.0",
    ];
    let incompatible = examine(imports, [HANDLER]).unwrap_err();
    assert_eq!(incompatible.reasons.len(), 6, "{incompatible}");
    for import in &imports[1..] {
        let named = format!("it imports {import}, ");
        let count = incompatible
            .reasons
            .iter()
            .filter(|m| m.starts_with(&named))
            .count();
        assert_eq!(count, 1, "{import}: {incompatible}");
    }
}

#[test]
fn exports_and_imports_are_told_at_once() {
    let incompatible = examine(["foo:bar/baz"], ["lambda:function/api@1.0.0"]).unwrap_err();
    let text = incompatible.to_string();
    assert!(text.contains("it exports lambda:function/api@1.0.0, but this version calls 0.1.0"));
    assert!(text.contains("; it imports foo:bar/baz, "), "{text}");
}

#[test]
fn an_init_goes_with_any_world_and_has_this_version() {
    for world in World::ALL {
        let version = match world {
            World::HttpProxy => "0.2.3",
            World::HttpService => "0.3.0",
            _ => FUNCTION_VERSION,
        };
        let export = format!("{}@{version}", world.interface());
        assert_eq!(
            examine([], ["lambda:function/init@0.1.0", &export]),
            Ok(world)
        );
    }
    let incompatible = examine([], ["lambda:function/init@0.2.0", HANDLER]).unwrap_err();
    assert_eq!(
        incompatible.to_string(),
        "it exports lambda:function/init@0.2.0, but this version calls 0.1.0: build it with the WIT of this version"
    );
}

#[test]
fn each_world_has_one_name() {
    for world in World::ALL {
        assert_eq!(
            serde_json::to_string(&world).unwrap(),
            format!("\"{world}\"")
        );
    }
}
