"""What people see of the daemon in a browser: server-rendered, live, and without a secret anywhere."""
