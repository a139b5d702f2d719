//! Which grants of a policy a component could use, by what it imports.

use std::fmt::{self, Write};

use lambda_wasm_host::world;

/// A part of WASI that does nothing without a grant.
struct Need {
    /// The beginning of what is imported.
    import: &'static str,
    /// What it is for.
    what: &'static str,
    /// What grants it, as the policy has it: with nothing granted yet.
    policy: &'static str,
}

const NEEDS: [Need; 5] = [
    Need {
        import: "wasi:cli/environment",
        what: "the function's own variables, without a grant",
        policy: "[env]\n# allow = [\"TABLE\"]  # only these of its own\n# grant = []           # what is otherwise hidden, by name\n",
    },
    Need {
        import: "wasi:filesystem/",
        what: "[files], if it opens any: standard libraries import it anyway",
        policy: "[files]\n# \"/tmp\" = \"read-write\"\n# \"/var/task\" = \"read-only\"\n",
    },
    Need {
        import: "wasi:http/outgoing-handler",
        what: OUTGOING,
        policy: HTTP,
    },
    Need {
        import: "wasi:http/client",
        what: OUTGOING,
        policy: HTTP,
    },
    Need {
        import: "wasi:config/",
        what: "[config], which it reads",
        policy: "[config]\n# greeting = \"Hello\"\n",
    },
];

const OUTGOING: &str = "[http], and for AWS [aws], if it sends requests";
const HTTP: &str = "[http]\nallow = []  # such as \"https://api.example.com\"\n[aws]\nsign = []   # such as \"dynamodb\"\n";

/// Writes what a component with these imports could be granted, and a policy to start from.
pub fn write<'a>(text: &mut String, imports: impl Iterator<Item = &'a str>) -> fmt::Result {
    let names: Vec<&str> = imports.map(world::interface).collect();
    let imports = |start: &str| names.iter().any(|name| name.starts_with(start));
    let needs: Vec<&Need> = NEEDS.iter().filter(|need| imports(need.import)).collect();
    let has_sockets = imports("wasi:sockets/");
    if needs.is_empty() && !has_sockets {
        return writeln!(text, "grants: it needs none");
    }
    writeln!(text, "grants:")?;
    for need in &needs {
        let import = need.import.trim_end_matches('/');
        writeln!(text, "  {import}: {}", need.what)?;
    }
    if has_sockets {
        writeln!(
            text,
            "  wasi:sockets: cannot be granted, every use is refused"
        )?;
    }
    let mut policies: Vec<&str> = needs.iter().map(|need| need.policy).collect();
    policies.dedup();
    writeln!(text, "a policy to start from, NAME.toml beside NAME.cwasm:")?;
    for line in policies.iter().flat_map(|policy| policy.lines()) {
        writeln!(text, "  {line}")?;
    }
    Ok(())
}
