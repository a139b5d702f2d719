use super::*;

#[test]
fn an_origin_covers_its_host_and_port() {
    let covers = |origin: &str, uri: String| {
        let asked = Origin::from_uri(&uri.parse().unwrap());
        asked.is_some_and(|asked| Origin::parse(origin).unwrap().matches(&asked))
    };
    for (origin, host, port, is_covered) in [
        ("https://api.example.com", "API.example.com", 443, true),
        ("https://api.example.com", "api.example.com", 8443, false),
        (
            "https://api.example.com",
            "api.example.com.evil.org",
            443,
            false,
        ),
        ("https://*.example.com:8443", "a.example.com", 8443, true),
        ("https://*.example.com:8443", "a.b.example.com", 8443, false),
        ("https://*.example.com:8443", "example.com", 8443, false),
        ("https://*.example.com:8443", ".example.com", 8443, false),
        ("https://api.example.com", "api.example.com.", 443, true),
        ("https://127.0.0.1:1", "127.0.0.1", 1, true),
        ("https://[::1]:1", "[0:0::1]", 1, true),
        ("https://[::1]:1", "127.0.0.1", 1, false),
    ] {
        assert_eq!(
            covers(origin, format!("https://{host}:{port}/a?b")),
            is_covered,
            "{origin} {host}:{port}"
        );
        assert!(
            !covers(origin, format!("http://{host}:{port}/")),
            "{origin}"
        );
    }
    let api = "https://api.example.com";
    assert!(covers(api, format!("{api}/")));
    for other in [
        "https://user@api.example.com/",
        "https://api.example.com@evil.org/",
        "/a",
    ] {
        assert!(!covers(api, other.to_owned()), "{other}");
    }
    assert!(Origin::from_uri(&"https://*.example.com/".parse().unwrap()).is_none());
}

#[test]
fn each_is_written_as_it_is_read() {
    for origin in [
        "https://api.example.com",
        "http://*.example.com:8080",
        "http://localhost:2772",
        "https://[::1]:443",
        "http://10.0.0.1:80",
    ] {
        assert_eq!(Origin::parse(origin).unwrap().to_string(), origin);
    }
    assert!(
        Origin::parse("http://localhost:1")
            .unwrap()
            .is_ip_or_localhost()
    );
}

#[test]
fn what_is_none_is_told_why() {
    insta::assert_snapshot!(
        [
            "api.example.com",
            "htps://api.example.com",
            "ftp://api.example.com",
            "https://api.example.com/",
            "https://api.example.com/v1?x",
            "https://user@api.example.com",
            "https://",
            "https://api.*.com",
            "https://*",
            "https://*.com",
            "https://*.*.example.com",
            "https://gr\u{fc}n.example",
            "https://api.example.com.",
            "https://api.example.com:0",
            "https://api.example.com:99999",
            "https://api.example.com:+80",
            "https://2130706433",
            "https://127.1",
            "https://[::1",
            "https://[nine]:1",
            "http://localhost",
            "http://127.0.0.1",
            "http://[::1]",
        ]
        .map(|text| format!("{text} {}", Origin::parse(text).unwrap_err()))
        .join("\n"),
        @r#"
        api.example.com has no scheme
        hint: did you mean "https://api.example.com"?
        htps://api.example.com has no scheme that is known
        hint: did you mean "https://api.example.com"?
        ftp://api.example.com has no scheme that is known
        hint: did you mean "https://api.example.com"?
        https://api.example.com/ has a path, but an origin has none
        hint: did you mean "https://api.example.com"?
        https://api.example.com/v1?x has a path, but an origin has none
        hint: did you mean "https://api.example.com"?
        https://user@api.example.com has a user, but an origin has none
        https:// has no host: "" is neither a name (in ASCII) nor an address
        https://api.*.com may have `*` as its first label only, for one label: "https://*.example.com"
        https://* may have `*` as its first label only, for one label: "https://*.example.com"
        https://*.com is too wide: all of .com
        https://*.*.example.com may have `*` as its first label only, for one label: "https://*.example.com"
        https://grün.example has no host: "grün.example" is neither a name (in ASCII) nor an address
        https://api.example.com. has no host: "api.example.com." is neither a name (in ASCII) nor an address
        https://api.example.com:0 has the port "0", but ports are from 1 to 65535
        https://api.example.com:99999 has the port "99999", but ports are from 1 to 65535
        https://api.example.com:+80 has the port "+80", but ports are from 1 to 65535
        https://2130706433 has no host: "2130706433" is neither a name (in ASCII) nor an address
        https://127.1 has no host: "127.1" is neither a name (in ASCII) nor an address
        https://[::1 has no `]` behind the IPv6 address
        https://[nine]:1 has no IPv6 address in its brackets
        http://localhost needs a port, since it is an address or localhost: such as "http://localhost:8080"
        http://127.0.0.1 needs a port, since it is an address or localhost: such as "http://127.0.0.1:8080"
        http://[::1] needs a port, since it is an address or localhost: such as "http://[::1]:8080"
        "#
    );
}
