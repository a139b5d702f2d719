//! An axum application. The attribute of `main` is all that is about components: it serves the router that `main` returns.

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

#[wstd_axum::http_server]
fn main() -> Router {
    Router::new()
        .route("/hello/{name}", get(hello))
        .route("/orders", post(order))
}

async fn hello(Path(name): Path<String>) -> String {
    format!("Hello, {name}!\n")
}

#[derive(Deserialize)]
struct Count {
    count: u32,
}

#[derive(Deserialize)]
struct New {
    item: String,
}

#[derive(Serialize)]
struct Order {
    item: String,
    count: u32,
}

async fn order(Query(query): Query<Count>, Json(new): Json<New>) -> (StatusCode, Json<Order>) {
    let order = Order {
        item: new.item,
        count: query.count,
    };
    (StatusCode::CREATED, Json(order))
}
