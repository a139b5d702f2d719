use super::*;

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
        let misfits = examine([], [export]).unwrap_err().to_string();
        assert!(
            misfits.contains("and this version calls 0.3.0 and later 0.3"),
            "{misfits}"
        );
    }
}

#[test]
fn all_of_wasi_may_be_imported() {
    let all = |version: &str, line: Line| -> Vec<String> {
        let names = line.offered();
        names.map(|name| format!("{name}@{version}")).collect()
    };
    for (version, line) in [
        ("0.2.0", Line::Wasi2),
        ("0.2.6", Line::Wasi2),
        (WASI_VERSION, Line::Wasi2),
        ("0.2.99", Line::Wasi2),
        (WASI_3_VERSION, Line::Wasi3),
        ("0.3.9", Line::Wasi3),
        (FUNCTION_VERSION, Line::Function),
        (CONFIG_VERSION, Line::Config),
    ] {
        let imports = all(version, line);
        assert_eq!(
            examine(imports.iter().map(String::as_str), [HANDLER]),
            Ok(World::HandlerFunction)
        );
        assert_eq!(
            needs_concurrency(imports.iter().map(String::as_str)),
            line == Line::Wasi3
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
        let misfits = examine([import], [export]).unwrap_err().to_string();
        assert!(misfits.contains("a newer SDK"), "{misfits}");
    }
}

#[test]
fn middleware_is_to_be_composed() {
    for import in [
        "wasi:http/handler@0.3.0",
        "wasi:http/incoming-handler@0.2.4",
    ] {
        let misfits = examine([import], ["wasi:http/handler@0.3.0"]).unwrap_err();
        assert!(misfits.to_string().contains("wac plug"), "{misfits}");
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
    let misfits = examine(imports, [HANDLER]).unwrap_err();
    assert_eq!(misfits.0.len(), 6, "{misfits}");
    for import in &imports[1..] {
        let named = format!("it imports {import}, ");
        let count = misfits.0.iter().filter(|m| m.starts_with(&named)).count();
        assert_eq!(count, 1, "{import}: {misfits}");
    }
}

#[test]
fn exports_and_imports_are_told_at_once() {
    let misfits = examine(["foo:bar/baz"], ["lambda:function/api@1.0.0"]).unwrap_err();
    let text = misfits.to_string();
    assert!(text.contains("it exports lambda:function/api@1.0.0, and this version calls 0.1.0"));
    assert!(text.contains("; it imports foo:bar/baz, "), "{text}");
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
