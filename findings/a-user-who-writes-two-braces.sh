#!/usr/bin/env bash
# "Why is port: {{ .Values.port }} empty?" An assistant of LangChain4j never asks its model: "Value for the variable '.Values.port' is missing".
#
# Versions  dev.langchain4j:langchain4j 1.19.0 with langchain4j-open-ai 1.19.0 (Java).
# Input     AiServices with the interface `String chat(String text)`, as the guide has it, and one with `String chat(@UserMessage String text, @V("plan") String plan)`,
#           whose program says plan "gold". What users write: a line of a Helm chart, of a GitHub workflow (${{ github.ref }}) and of a Jinja page
#           ({{ user.name }}); the questions what {{it}}, {{current_date}} and {{plan}} are; JSON. Beside it the model without AiServices, model.chat(text).
# Guess     What is a template is the program's own text, @UserMessage("Translate: {{it}}"). What a user writes is filled into it, and is a template never.
# Seen      The text is taken for the template. A name that the program does not know raises IllegalArgumentException, and the model is not asked. {{it}} is
#           the text itself once more, or raises beside a second parameter; {{current_date}} is the day, {{plan}} is "gold". JSON is as it was, and so is all of it
#           without AiServices. (langchain4j/langchain4j#1125, of 2024, and #2665 are closed; their "it should not fail" is not there.)
# Matters   A helper for developers fails for Helm, Ansible, Jinja, Vue, Handlebars and workflows, and for every prompt about prompts, with an error
#           that reads like one of the program's; or the model reads a text that nobody wrote. Tests have no braces. `@UserMessage("{{text}}")` on
#           the method and @V("text") on the parameter is the form that leaves the user's text alone: seen as well.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

cat >"$dir/pom.xml" <<'XML'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId>
  <artifactId>finding</artifactId>
  <version>1</version>
  <dependencies>
    <dependency><groupId>dev.langchain4j</groupId><artifactId>langchain4j</artifactId><version>1.19.0</version></dependency>
    <dependency><groupId>dev.langchain4j</groupId><artifactId>langchain4j-open-ai</artifactId><version>1.19.0</version></dependency>
  </dependencies>
</project>
XML
(cd "$dir" && mvn -q -B -Dmaven.repo.local="$dir/repository" org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
  -DoutputDirectory=lib) >&2 || cannot "mvn"

cat >"$dir/Run.java" <<'JAVA'
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpServer;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.service.AiServices;
import dev.langchain4j.service.UserMessage;
import dev.langchain4j.service.V;
import java.net.InetSocketAddress;
import java.time.LocalDate;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

public class Run {
    interface Chat {
        String chat(String text);
    }

    interface Shop {
        String chat(@UserMessage String text, @V("plan") String plan);
    }

    interface Safe {
        @UserMessage("{{text}}")
        String chat(@V("text") String text);
    }

    static volatile String arrived;

    /** What the model has been sent, or "raised: …". */
    static String ask(Function<String, String> chat, String text) {
        arrived = "nothing";
        try {
            chat.apply(text);
        } catch (Exception error) {
            return "raised: " + error.getMessage();
        }
        return arrived;
    }

    public static void main(String[] none) throws Exception {
        ObjectMapper json = new ObjectMapper();
        byte[] answer = ("{\"id\":\"c\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
                + "\"content\":\"Done.\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":9,\"total_tokens\":18}}").getBytes();
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.createContext("/", exchange -> {
            JsonNode messages = json.readTree(exchange.getRequestBody()).get("messages");
            arrived = messages.get(messages.size() - 1).get("content").asText();
            exchange.getResponseHeaders().set("content-type", "application/json");
            exchange.sendResponseHeaders(200, answer.length);
            exchange.getResponseBody().write(answer);
            exchange.close();
        });
        server.start();
        OpenAiChatModel model = OpenAiChatModel.builder().baseUrl("http://127.0.0.1:" + server.getAddress().getPort() + "/v1")
                .apiKey("unused").modelName("m").maxRetries(0).build();
        Chat chat = AiServices.create(Chat.class, model);
        Shop shop = AiServices.create(Shop.class, model);
        Safe safe = AiServices.create(Safe.class, model);
        String day = LocalDate.now().toString(), missing = "raised: Value for the variable '%s' is missing", helm = "Why is port: {{ .Values.port }} empty?";
        // what is written, and what arrives by chat(text) and by chat(text, plan); null: the text itself
        List<String[]> tries = Arrays.asList(
                new String[] {helm, missing.formatted(".Values.port"), missing.formatted(".Values.port")},
                new String[] {"if: ${{ github.ref }} is main", missing.formatted("github.ref"), missing.formatted("github.ref")},
                new String[] {"<p>{{ user.name }}</p>", missing.formatted("user.name"), missing.formatted("user.name")},
                new String[] {"What is {{it}}?", "What is What is {{it}}??", "raised: Error: cannot find the value of the prompt template variable \"{{it}}\"."},
                new String[] {"What is {{current_date}}?", "What is " + day + "?", "What is " + day + "?"},
                new String[] {"What is {{plan}}?", missing.formatted("plan"), "What is gold?"},
                new String[] {"{\"a\":{\"b\":1}}", null, null});
        boolean same = true;
        for (String[] one : tries) {
            String text = one[0], plain = ask(chat::chat, text), two = ask(said -> shop.chat(said, "gold"), text);
            String kept = ask(safe::chat, text), bare = ask(model::chat, text);
            System.out.printf("%-40s chat(text)        %s%n%-40s chat(text, plan)  %s%n", text, plain, "", two);
            same &= plain.equals(one[1] == null ? text : one[1]) && two.equals(one[2] == null ? text : one[2]) && kept.equals(text) && bare.equals(text);
        }
        System.out.println(same ? "as told: the rest as written" : "this has changed");
        System.exit(same ? 0 : 1);
    }
}
JAVA
javac -parameters -cp "$dir/lib/*" -d "$dir/out" "$dir/Run.java" >&2 || cannot "javac"
java -cp "$dir/lib/*:$dir/out" Run 2>"$dir/errors" || { code=$?; cat "$dir/errors" >&2; exit "$code"; }
