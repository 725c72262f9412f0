//! The form of token requests and answers (RFC 6749 sections 3.2, 5.1 and 5.2).

use axum::{
    body::Body,
    http::{Request, StatusCode},
};

use crate::support::{Browser, World, basic, changed, client_settings, code_request, form_request};

#[tokio::test]
async fn only_post_is_allowed() {
    let world = World::new().await;
    for method in ["GET", "HEAD", "PUT", "DELETE", "PATCH"] {
        let request =
            Request::builder().method(method).uri("/connect/token?grant_type=client_credentials");
        let answer = world.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(
            (answer.status, answer.header("allow")),
            (StatusCode::METHOD_NOT_ALLOWED, "POST")
        );
    }
}

#[tokio::test]
async fn only_forms_are_read() {
    let world = World::new().await;
    let body = "grant_type=client_credentials&client_id=Resources&client_secret=secret";
    let send = |content_type: Option<&'static str>| {
        let request = Request::post("/connect/token");
        let request = content_type
            .into_iter()
            .fold(request, |request, value| request.header("content-type", value));
        world.send(request.body(Body::from(body)).unwrap())
    };
    for content_type in [
        None,
        Some("application/json"),
        Some("text/plain"),
        Some("multipart/form-data; boundary=x"),
    ] {
        send(content_type)
            .await
            .expect_json_error(StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_request");
    }
    for content_type in
        ["application/x-www-form-urlencoded", "Application/X-WWW-Form-Urlencoded; charset=UTF-8"]
    {
        assert_eq!(send(Some(content_type)).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn repeated_unreadable_and_too_large_bodies_are_invalid_requests() {
    let world = World::new().await;
    let good = "grant_type=client_credentials&client_id=Resources&client_secret=secret";
    let large = format!("{good}&x={}", "x".repeat(65 * 1024));
    let many = (0..60).fold(good.to_owned(), |body, index| format!("{body}&p{index}=1"));
    for (body, status) in [
        (format!("{good}&grant_type=client_credentials"), StatusCode::BAD_REQUEST),
        (format!("{good}&client_secret="), StatusCode::BAD_REQUEST),
        (format!("{good}&x=%00"), StatusCode::BAD_REQUEST),
        (format!("{good}&x=%FF"), StatusCode::BAD_REQUEST),
        (format!("{good}&scope=%22%5C%C3%A4&scope=%22%5C%C3%A4"), StatusCode::BAD_REQUEST),
        (many, StatusCode::BAD_REQUEST),
        (large, StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let request = Request::post("/connect/token")
            .header("content-type", "application/x-www-form-urlencoded");
        world
            .send(request.body(Body::from(body)).unwrap())
            .await
            .expect_json_error(status, "invalid_request");
    }
}

/// RFC 6749 sections 3.1 and 3.2.
#[tokio::test]
async fn unknown_parameters_may_be_repeated_and_empty_ones_count_as_left_out() {
    let world = World::new().await;
    let good = "grant_type=client_credentials&client_id=Resources&client_secret=secret";
    for more in ["audience=a&audience=b", "client_assertion=", "client_assertion_type=&scope="] {
        let request = Request::post("/connect/token")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(format!("{good}&{more}")))
            .unwrap();
        assert_eq!(world.send(request).await.status, StatusCode::OK, "{more}");
    }
}

#[tokio::test]
async fn credentials_and_grants_in_the_query_do_not_count() {
    let world = World::new().await;
    let query =
        "/connect/token?client_id=Resources&client_secret=secret&grant_type=client_credentials";
    world
        .send(form_request(query, &[("x", "y")]))
        .await
        .expect_json_error(StatusCode::UNAUTHORIZED, "invalid_client");
}

#[tokio::test]
async fn a_missing_grant_type_is_an_invalid_request_and_an_unknown_one_is_unsupported() {
    let world = World::new().await;
    let with = |grant_type: &'static str| [("client_id", "PkceJS"), ("grant_type", grant_type)];
    for missing in [&with("")[..], &with("")[..1]] {
        world.token(missing).await.expect_json_error(StatusCode::BAD_REQUEST, "invalid_request");
    }
    for unknown in [
        "implicit",
        "Authorization_Code",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "<script>",
    ] {
        let answer = world.token(&with(unknown)).await;
        answer.expect_json_error(StatusCode::BAD_REQUEST, "unsupported_grant_type");
    }
}

#[tokio::test]
async fn a_grant_that_the_client_may_not_use_is_unauthorized() {
    let world = World::with_clients(vec![client_settings("Other", serde_json::json!({}))]).await;
    let secret = basic("Resources", "secret");
    let code = Browser::signed_in(&world, "alice").await.code(&[]).await;
    let with_code = changed(code_request(&code), &[("client_id", "")]);
    let machine = world.token_as(&secret, &with_code).await;
    machine.expect_json_error(StatusCode::BAD_REQUEST, "unauthorized_client");
    let password = [("grant_type", "password"), ("username", "alice"), ("password", "alice")];
    world
        .token_as(&secret, &password)
        .await
        .expect_json_error(StatusCode::BAD_REQUEST, "unauthorized_client");
    let public = [&[("client_id", "Other")], &password[..]].concat();
    world.token(&public).await.expect_json_error(StatusCode::BAD_REQUEST, "unauthorized_client");
    let credentials = [("client_id", "Other"), ("grant_type", "client_credentials")];
    world
        .token(&credentials)
        .await
        .expect_json_error(StatusCode::BAD_REQUEST, "unauthorized_client");
}

#[tokio::test]
async fn a_parameter_that_the_grant_needs_is_missed() {
    let world = World::new().await;
    for (grant_type, missing) in
        [("authorization_code", "code"), ("refresh_token", "refresh_token")]
    {
        let answer = world
            .token(&[("client_id", "PkceJS"), ("grant_type", grant_type), (missing, "")])
            .await;
        answer.expect_json_error(StatusCode::BAD_REQUEST, "invalid_request");
        assert!(
            answer.json()["error_description"].as_str().unwrap().contains(missing),
            "{answer:?}"
        );
    }
}
