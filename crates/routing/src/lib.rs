//! The workers that register, route and keep deadlines
