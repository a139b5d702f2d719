//! Generated from `wit/`, one module for each world. The worlds here import only what this crate uses.

/// `lambda:function/handler`, with the types that all worlds share.
pub mod handler {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "package lambda-wasm:guest;
            world handler-guest {
                import lambda:function/invocation@0.1.0;
                export lambda:function/handler@0.1.0;
            }",
        pub_export_macro: true,
        export_macro_name: "export_handler",
        generate_all,
    });
}

/// `lambda:function/api`.
pub mod api {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "package lambda-wasm:guest; world api-guest { export lambda:function/api@0.1.0; }",
        pub_export_macro: true,
        export_macro_name: "export_api",
        with: { "lambda:function/types@0.1.0": crate::bindings::handler::lambda::function::types },
    });
}

/// `lambda:function/streaming-handler`.
pub mod stream {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "package lambda-wasm:guest; world stream-guest { export lambda:function/streaming-handler@0.1.0; }",
        pub_export_macro: true,
        export_macro_name: "export_stream",
        with: { "lambda:function/types@0.1.0": crate::bindings::handler::lambda::function::types },
        generate_all,
    });
}
