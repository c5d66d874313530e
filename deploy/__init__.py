"""What runs the project's servers: templates for production, a cluster on one machine, drills."""
