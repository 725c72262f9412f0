//! What does the work. With the feature `split`, the client is a file of its own, which the browser
//! loads when it is first needed.

use std::{future::Future, pin::Pin, rc::Rc};

use doorward_client::{
    ApiRequest, ApiResponse, Error, Settings, SigninRequestArgs, SignoutRequestArgs,
    ports::{HttpClient, NetworkFailure},
};

use crate::{Auth, operations, page};

/// What the client has to do.
pub(crate) enum Task {
    /// Create the client, and nothing more.
    #[cfg_attr(not(all(feature = "split", target_arch = "wasm32")), allow(dead_code))]
    SetUp,
    /// Find out who is signed in.
    Start,
    /// Fetch what a sign-in needs.
    Prepare,
    SignIn(Box<SigninRequestArgs>),
    SignOut(SignoutRequestArgs),
    SignOutHere,
    Renew,
    /// Call an API, perhaps by another HTTP client.
    Call(Option<Rc<dyn HttpClient>>, ApiRequest),
    /// Get a token, for the API with this identifier.
    Token(Option<String>),
}

/// What came of it.
pub(crate) enum Reply {
    /// Nothing to say: the state tells.
    Done,
    Response(ApiResponse),
    Token(String),
}

pub(crate) type Work = Pin<Box<dyn Future<Output = Result<Reply, Error>>>>;

/// The file with the client could not be loaded.
struct NotLoaded;

/// Does a task: with the client ([`by_client`]), or with the server's session
/// ([`crate::session`]). An application that uses only one of them does not contain the other.
pub(crate) type Engine = fn(Auth, Task) -> Work;

/// Does a task with the client.
pub(crate) fn by_client(auth: Auth, task: Task) -> Work {
    Box::pin(async move {
        let needs_user = matches!(task, Task::Call(..) | Task::Token(_));
        if needs_user && auth.live.client().is_none() {
            // Without a client nobody has signed in.
            return Err(Error::NotSignedIn);
        }
        match start(Job::OfPage(auth, Box::new(task))).await {
            Ok(work) => work.await,
            Err(NotLoaded) => Err(Error::Network {
                url: page::origin(),
                failure: NetworkFailure::Failed("a part of this page did not load".to_owned()),
            }),
        }
    })
}

/// Begins with the response in the URL, before there is a page.
pub(crate) async fn begin_early(settings: Settings) {
    if let Ok(work) = start(Job::Early(Box::new(settings))).await {
        drop(work.await);
    }
}

/// What is done by the client's file.
enum Job {
    /// A task of the page.
    OfPage(Auth, Box<Task>),
    /// The response in the URL, before there is a page.
    Early(Box<Settings>),
}

impl Job {
    fn begin(self) -> Work {
        match self {
            Self::OfPage(auth, task) => operations::begin(auth, *task),
            Self::Early(settings) => operations::begin_early(*settings),
        }
    }
}

/// Loads the client if necessary, and begins the job.
#[cfg(all(feature = "split", target_arch = "wasm32"))]
#[allow(clippy::unnecessary_wraps)] // The macro wants a result.
#[leptos::wasm_split::wasm_split(
    sign_in,
    wasm_split_path = leptos::wasm_split,
    fallible,
    preload(load)
)]
fn start(job: Job) -> Result<Work, NotLoaded> {
    Ok(job.begin())
}

/// Loads the client, which will be needed. A failure is reported by whoever needs it.
#[cfg(all(feature = "split", target_arch = "wasm32"))]
pub(crate) async fn preload() {
    let _ = load().await;
}

#[cfg(not(all(feature = "split", target_arch = "wasm32")))]
#[allow(clippy::unused_async)] // As its other form.
async fn start(job: Job) -> Result<Work, NotLoaded> {
    Ok(job.begin())
}

#[cfg(all(feature = "split", target_arch = "wasm32"))]
impl From<leptos::wasm_split::SplitLoaderError> for NotLoaded {
    fn from(_: leptos::wasm_split::SplitLoaderError) -> Self {
        Self
    }
}
