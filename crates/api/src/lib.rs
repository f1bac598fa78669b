//! HTTP: peer endpoints and client API v1 with OpenAPI 3.1.
