//! A service that is spoken to in streams, and its client, as tonic's generated code has them.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use filch::stream::Stream;
use filch::sync::mpsc;
use filch_services::grpc::Channel;
use futures_util::stream::unfold;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::codegen::{Body, BoxFuture, Service, StdError, http};
use tonic::server::{ClientStreamingService, NamedService, StreamingService};
use tonic::service::Routes;
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;

use crate::origin;

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Line {
    #[prost(string, tag = "1")]
    pub(crate) text: String,
}

pub(crate) fn line(text: impl Into<String>) -> Line {
    Line { text: text.into() }
}

/// From then on the service says nothing more.
pub(crate) const SILENCE: &str = "silence";
/// The service ends the call with the status `ABORTED`.
pub(crate) const ENOUGH: &str = "enough";

/// The kind of each call that the server has dropped, finished or not.
pub(crate) type Gone = mpsc::Receiver<&'static str>;

pub(crate) fn routes() -> (Routes, Gone) {
    let (tells, gone) = mpsc::channel(1000);
    (Routes::new(Talk(Arc::new(tells))), gone)
}

/// The server's side of a call, which tells when it is dropped.
struct Call {
    kind: &'static str,
    lines: Streaming<Line>,
    tells: Arc<mpsc::Sender<&'static str>>,
}

impl Drop for Call {
    fn drop(&mut self) {
        // A test that is over does not listen.
        let _ = self.tells.try_send(self.kind);
    }
}

impl Call {
    /// The next line, if it is not about how to go on.
    async fn next(&mut self) -> Result<Option<Line>, Status> {
        let line = self.lines.message().await?;
        match line.as_ref().map(|line| line.text.as_str()) {
            Some(SILENCE) => std::future::pending().await,
            Some(ENOUGH) => Err(Status::aborted(ENOUGH)),
            _ => Ok(line),
        }
    }
}

#[derive(Clone)]
struct Talk(Arc<mpsc::Sender<&'static str>>);

impl Talk {
    fn call(&self, kind: &'static str, request: Request<Streaming<Line>>) -> Call {
        Call {
            kind,
            lines: request.into_inner(),
            tells: Arc::clone(&self.0),
        }
    }
}

/// Both sides stream: each line is said again, as soon as it was heard.
impl StreamingService<Line> for Talk {
    type Response = Line;
    type ResponseStream = Pin<Box<dyn Stream<Item = Result<Line, Status>> + Send>>;
    type Future = BoxFuture<Response<Self::ResponseStream>, Status>;

    fn call(&mut self, request: Request<Streaming<Line>>) -> Self::Future {
        let answers = unfold(Talk::call(self, "talk", request), async |mut call| {
            let answer = call.next().await.transpose()?;
            Some((answer, call))
        });
        Box::pin(async { Ok(Response::new(Box::pin(answers) as Self::ResponseStream)) })
    }
}

/// The client streams: it is told how many lines there were.
impl ClientStreamingService<Line> for Talk {
    type Response = Line;
    type Future = BoxFuture<Response<Line>, Status>;

    fn call(&mut self, request: Request<Streaming<Line>>) -> Self::Future {
        let mut call = Talk::call(self, "count", request);
        Box::pin(async move {
            let mut count = 0;
            while call.next().await?.is_some() {
                count += 1;
            }
            Ok(Response::new(line(count.to_string())))
        })
    }
}

impl<B> Service<http::Request<B>> for Talk
where
    B: Body + Send + 'static,
    B::Error: Into<StdError> + Send + 'static,
{
    type Response = http::Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let talk = self.clone();
        let mut grpc = tonic::server::Grpc::new(ProstCodec::<Line, Line>::default());
        Box::pin(async move {
            Ok(match request.uri().path() {
                "/test.Talk/Talk" => grpc.streaming(talk, request).await,
                "/test.Talk/Count" => grpc.client_streaming(talk, request).await,
                _ => Status::unimplemented("").into_http(),
            })
        })
    }
}

impl NamedService for Talk {
    const NAME: &'static str = "test.Talk";
}

#[derive(Clone)]
pub(crate) struct TalkClient(Grpc<Channel>);

impl TalkClient {
    pub(crate) fn new(channel: Channel) -> TalkClient {
        TalkClient(Grpc::with_origin(channel, origin()))
    }

    async fn ready(&mut self) -> Result<(), Status> {
        let ready = self.0.ready().await;
        ready.map_err(|error| Status::unknown(error.to_string()))
    }

    pub(crate) async fn talk<S>(&mut self, lines: Request<S>) -> Result<Streaming<Line>, Status>
    where
        S: Stream<Item = Line> + Send + 'static,
    {
        self.ready().await?;
        let path = PathAndQuery::from_static("/test.Talk/Talk");
        let codec = ProstCodec::default();
        let answers = self.0.streaming(lines, path, codec).await?;
        Ok(answers.into_inner())
    }

    pub(crate) async fn count<S>(&mut self, lines: Request<S>) -> Result<Line, Status>
    where
        S: Stream<Item = Line> + Send + 'static,
    {
        self.ready().await?;
        let path = PathAndQuery::from_static("/test.Talk/Count");
        let codec = ProstCodec::default();
        let count = self.0.client_streaming(lines, path, codec).await?;
        Ok(count.into_inner())
    }
}

/// A conversation that has begun: what is sent into it, and what comes of it.
pub(crate) struct Conversation {
    pub(crate) says: mpsc::Sender<Line>,
    pub(crate) answers: Streaming<Line>,
}

impl Conversation {
    pub(crate) async fn begin(client: &TalkClient) -> Conversation {
        let (says, lines) = mpsc::channel(1);
        let mut client = client.clone();
        Conversation {
            answers: client.talk(Request::new(lines)).await.unwrap(),
            says,
        }
    }

    /// Says it, and waits until it was said again.
    pub(crate) async fn exchange(&mut self, text: &str) {
        self.says.send(line(text)).await.unwrap();
        let answer = self.answers.message().await.unwrap();
        assert_eq!(answer, Some(line(text)));
    }

    /// Ends the client's side; the server's ends then.
    pub(crate) async fn end(mut self) {
        drop(self.says);
        assert_eq!(self.answers.message().await.unwrap(), None);
    }
}
