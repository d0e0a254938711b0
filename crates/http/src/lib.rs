//! HTTP: hooks, API, pages, health, metrics
