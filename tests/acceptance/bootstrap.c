/* A custom runtime in one file: it asks for events over HTTP, and answers each with the event in a frame. */
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

static char buffer[1 << 20];

static size_t exchange(const char *request, size_t length) {
    char api[256];
    snprintf(api, sizeof api, "%s", getenv("AWS_LAMBDA_RUNTIME_API"));
    char *port = strchr(api, ':');
    *port++ = 0;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    if (getaddrinfo(api, port, &hints, &found)) exit(70);
    int connection = socket(found->ai_family, SOCK_STREAM, 0);
    if (connect(connection, found->ai_addr, found->ai_addrlen)) exit(71);
    freeaddrinfo(found);
    if (write(connection, request, length) != (ssize_t)length) exit(72);
    size_t size = 0;
    ssize_t got;
    while ((got = read(connection, buffer + size, sizeof buffer - 1 - size)) > 0) size += (size_t)got;
    close(connection);
    buffer[size] = 0;
    return size;
}

static const char *header(const char *name, char *value, size_t size) {
    for (char *line = strstr(buffer, "\r\n"); line; line = strstr(line + 2, "\r\n"))
        if (!strncasecmp(line + 2, name, strlen(name))) {
            sscanf(line + 2 + strlen(name), ": %s", value);
            (void)size;
            return value;
        }
    exit(73);
}

int main(void) {
    for (;;) {
        const char *next = "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: runtime\r\nConnection: close\r\n\r\n";
        exchange(next, strlen(next));
        char id[64];
        header("Lambda-Runtime-Aws-Request-Id", id, sizeof id);
        char *event = strstr(buffer, "\r\n\r\n") + 4;
        printf("compiled got %s\n", event);
        fflush(stdout);
        static char body[1 << 20], answer[1 << 20];
        int length = snprintf(body, sizeof body, "{\"compiled\": %s}", event);
        int size = snprintf(answer, sizeof answer,
                            "POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: runtime\r\n"
                            "Connection: close\r\nContent-Length: %d\r\n\r\n%s",
                            id, length, body);
        exchange(answer, (size_t)size);
    }
}
