/* A CRM and a payment provider on loopback, much faster than what is measured against them.
 *
 *   upstream WORLD   serves the records of the file WORLD (written by world.py) on a free port of
 *                    127.0.0.1, prints the port, and ends when its standard input is closed.
 *
 * GET PATH?limit=N&after=ID answers a page, GET PATH?PARAM=KEY,KEY at most 100 keys. Every answer
 * is {"data":[...],"has_more":bool}. GET /_calls answers how many calls there were before it.
 * One blocking thread per connection; bodies stand ready and are only copied.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST_KEYS = 100, MOST_ROWS = 1000, HEAD = 128, REQUEST = 1 << 16, MOST_PAGES = 16 };

typedef struct { const char *id, *json; size_t size; } Record;
typedef struct { const char *name, *records; } Key;
typedef struct { const char *path; long first, count; } Pages;
typedef struct { char *bytes; size_t size, room; } Text;

static Record *records;
static Key *keys;
static Pages pages[MOST_PAGES];
static size_t record_count, page_count, key_mask;
static atomic_long calls;

static void *must(void *memory) {
    if (!memory) { perror("upstream"); exit(1); }
    return memory;
}

static Key *slot(const char *name, size_t size) {
    unsigned long hash = 1469598103934665603UL;
    for (size_t i = 0; i < size; i++) hash = (hash ^ (unsigned char)name[i]) * 1099511628211UL;
    size_t at = hash & key_mask;
    while (keys[at].name && (strncmp(keys[at].name, name, size) || keys[at].name[size]))
        at = (at + 1) & key_mask;
    return &keys[at];
}

static void append(Text *text, const char *bytes, size_t size) {
    if (text->size + size > text->room) {
        text->room = 2 * (text->size + size);
        text->bytes = must(realloc(text->bytes, text->room));
    }
    memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
}

static void append_record(Text *body, long index) {
    if (body->bytes[body->size - 1] != '[') append(body, ",", 1);
    append(body, records[index].json, records[index].size);
}

/* A line is a kind and its fields between tabs; records come before what names them by number. */
static void read_line(char *line) {
    char *kind = strsep(&line, "\t"), *name = strsep(&line, "\t");
    if (!strcmp(kind, "record")) {
        records[record_count++] = (Record){name, line, strlen(line)};
    } else if (!strcmp(kind, "key")) {
        *slot(name, strlen(name)) = (Key){name, line};
    } else if (!strcmp(kind, "pages") && page_count < MOST_PAGES) {
        long first = strtol(line, &line, 10);
        pages[page_count++] = (Pages){name, first, strtol(line, NULL, 10)};
    }
}

static void read_world(const char *path) {
    FILE *file = must(fopen(path, "rb"));
    fseek(file, 0, SEEK_END);
    size_t size = (size_t)ftell(file), lines = 0;
    rewind(file);
    char *text = must(malloc(size + 1)), *line;
    if (fread(text, 1, size, file) != size) { perror(path); exit(1); }
    fclose(file);
    text[size] = 0;
    for (size_t i = 0; i < size; i++) lines += text[i] == '\n';
    for (key_mask = 1; key_mask < 2 * lines; key_mask *= 2) {}
    records = must(calloc(lines + 1, sizeof *records));
    keys = must(calloc(key_mask, sizeof *keys));
    key_mask--;
    while ((line = strsep(&text, "\n")) && *line) read_line(line);
}

static int add_keys(const char *path, const char *param, const char *list, Text *body) {
    char name[512];
    for (int asked = 0; *list; asked++) {
        if (asked == MOST_KEYS) return 400;
        size_t size = strcspn(list, ",%");
        int used = snprintf(name, sizeof name, "%s?%s=%.*s", path, param, (int)size, list);
        if (used < 0 || (size_t)used >= sizeof name) return 400;
        list += size;
        list += !strncasecmp(list, "%2c", 3) ? 3 : *list == ',';
        const char *found = slot(name, (size_t)used)->records;
        for (char *next; found && *found; found = next) {
            long index = strtol(found, &next, 10);
            append_record(body, index);
        }
    }
    return 200;
}

static int add_page(const char *path, long limit, const char *after, Text *body, int *more) {
    for (size_t i = 0; i < page_count; i++) {
        if (strcmp(pages[i].path, path)) continue;
        long at = pages[i].first, end = at + pages[i].count;
        if (after) {
            while (at < end && strcmp(records[at].id, after)) at++;
            if (at++ == end) return 400;
        }
        if (limit < 1 || limit > MOST_ROWS) return 400;
        long stop = at + limit < end ? at + limit : end;
        while (at < stop) append_record(body, at++);
        *more = stop < end;
        return 200;
    }
    return 404;
}

static int answer(char *target, Text *body) {
    const char *path = strsep(&target, "?"), *after = NULL;
    long limit = 10;
    int more = 0, status = 0;
    if (!strcmp(path, "/_calls")) {
        char number[32];
        append(body, number, (size_t)snprintf(number, sizeof number, "%ld", calls));
        return 200;
    }
    calls++;
    append(body, "{\"data\":[", 9);
    for (char *param; (param = strsep(&target, "&"));) {
        char *name = strsep(&param, "=");
        if (!param) continue;
        if (!strcmp(name, "limit")) limit = atol(param);
        else if (!strcmp(name, "after")) after = param;
        else status = add_keys(path, name, param, body);
    }
    if (!status) status = add_page(path, limit, after, body, &more);
    const char *end = more ? "],\"has_more\":true}" : "],\"has_more\":false}";
    append(body, end, strlen(end));
    return status;
}

/* Puts the head right before the body, which starts at HEAD, and sends both at once. */
static int respond(int connection, int status, Text *text) {
    char head[HEAD];
    int size = snprintf(head, sizeof head,
                        "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\n"
                        "Content-Length: %zu\r\n\r\n",
                        status, status == 200 ? "OK" : "Refused", text->size - HEAD);
    char *next = text->bytes + HEAD - size, *end = text->bytes + text->size;
    memcpy(next, head, (size_t)size);
    while (next < end) {
        ssize_t sent = write(connection, next, (size_t)(end - next));
        if (sent <= 0) return 0;
        next += sent;
    }
    return 1;
}

static void serve_request(int connection, char *request, Text *text, int *alive) {
    strsep(&request, " ");
    char *target = strsep(&request, " ");
    text->size = HEAD;
    *alive = target && respond(connection, answer(target, text), text);
}

static void *serve(void *argument) {
    int connection = (int)(long)argument, alive = 1;
    char *buffer = must(malloc(REQUEST));
    Text text = {must(malloc(1 << 16)), 0, 1 << 16};
    size_t held = 0;
    ssize_t got;
    while (alive && (got = read(connection, buffer + held, REQUEST - 1 - held)) > 0) {
        held += (size_t)got;
        buffer[held] = 0;
        for (char *end; alive && (end = strstr(buffer, "\r\n\r\n"));) {
            *end = 0;
            serve_request(connection, buffer, &text, &alive);
            held -= (size_t)(end + 4 - buffer);
            memmove(buffer, end + 4, held + 1);
        }
    }
    close(connection);
    free(buffer);
    free(text.bytes);
    return NULL;
}

static void *accept_all(void *argument) {
    int listener = (int)(long)argument, connection, on = 1;
    pthread_t thread;
    while ((connection = accept(listener, NULL, NULL)) >= 0) {
        setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (pthread_create(&thread, NULL, serve, (void *)(long)connection)) close(connection);
        else pthread_detach(thread);
    }
    return NULL;
}

int main(int count, char **arguments) {
    if (count != 2) { fprintf(stderr, "usage: upstream WORLD\n"); return 2; }
    signal(SIGPIPE, SIG_IGN);
    read_world(arguments[1]);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) || listen(listener, 512) ||
        getsockname(listener, (struct sockaddr *)&address, &size)) {
        perror("upstream");
        return 1;
    }
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    pthread_t thread;
    if (pthread_create(&thread, NULL, accept_all, (void *)(long)listener)) return 1;
    char ignored[64];
    while (read(0, ignored, sizeof ignored) > 0) {}
    return 0;
}
