/* The outline of a request to /v1/responses. In bodies ' stands for ". */
#include "outline_unit.h"

#define INPUT(list) "{'model':'m','input':[" list "]}"

static void check(const outline_row *rows, size_t count) {
    outline_check_rows(DIALECT_OPENAI_RESPONSES, LOOK_TURNS, rows, count);
}

static void reads_a_text(void **state) {
    (void)state;
    static const outline_row rows[] = {
        {"{'input':'hi'}", "user\n  text says='hi'"},
        {"{'input':null}", ""},
        {"{'input':[]}", ""},
        {"{}", ""},
        {"{'input':7}", "user\n  opaque of=7"},
        {"{'input':{'role':'user'}}", "user\n  opaque of={'role':'user'}"},
    };
    check(rows, ARRAY_LEN(rows));
}

/* A model reads them first, wherever they stand. */
static void instructions_come_first(void **state) {
    (void)state;
    static const outline_row rows[] = {
        {"{'instructions':'be brief','input':'hi'}",
         "system\n  text says='be brief'\nuser\n  text says='hi'"},
        {"{'input':'hi','instructions':'be brief'}",
         "system\n  text says='be brief'\nuser\n  text says='hi'"},
        {"{'instructions':null}", ""},
        {"{'instructions':['a']}", "system\n  opaque of=['a']"},
    };
    check(rows, ARRAY_LEN(rows));
}

static void reads_messages(void **state) {
    (void)state;
    static const outline_row rows[] = {
        {INPUT("{'role':'user','content':'hi'},{'type':'message','role':'developer','content':"
               "[{'type':'input_text','text':'a'}]}"),
         "user\n  text says='hi'\ndeveloper\n  text says='a' of={'type':'input_text','text':'a'}"},
        {INPUT("{'type':'message','role':'user','content':[{'type':'input_image','detail':'auto',"
               "'image_url':'u'},{'type':'input_image','image_url':null,'file_id':'f1'},"
               "{'type':'input_file','filename':'a.pdf','file_data':'d'},"
               "{'type':'input_file','file_url':'v'},{'type':'input_file','file_id':'f2'},"
               "{'type':'input_audio','input_audio':{'data':'AA==','format':'mp3'}}]}"),
         "user\n  image says='u' of={'type':'input_image','detail':'auto','image_url':'u'}\n"
         "  image says='f1' of={'type':'input_image','image_url':null,'file_id':'f1'}\n"
         "  file says='d' name='a.pdf' of={'type':'input_file','filename':'a.pdf',"
         "'file_data':'d'}\n"
         "  file says='v' of={'type':'input_file','file_url':'v'}\n"
         "  file says='f2' of={'type':'input_file','file_id':'f2'}\n"
         "  audio says='AA==' of={'type':'input_audio','input_audio':{'data':'AA==',"
         "'format':'mp3'}}"},
        {INPUT("{'id':'m1','type':'message','role':'assistant','status':'completed','phase':'x',"
               "'content':[{'type':'output_text','text':'b','annotations':[]},"
               "{'type':'refusal','refusal':'c'}]}"),
         "assistant\n  text says='b' of={'type':'output_text','text':'b','annotations':[]}\n"
         "  refusal says='c' of={'type':'refusal','refusal':'c'}"},
        {INPUT("{'type':null,'role':'user','content':'hi'},{'type':'message','content':'hi'},"
               "{'role':7,'content':'hi'},{'type':'message','role':'user','content':7,'more':1}"),
         "user\n  text says='hi'\nother\n  text says='hi'\n"
         "other\n  opaque of={'role':7,'content':'hi'}\n"
         "user\n  opaque of=7\n  opaque name='more' of=1"},
    };
    check(rows, ARRAY_LEN(rows));
}

static void reads_calls_and_their_results(void **state) {
    (void)state;
    static const outline_row rows[] = {
        {INPUT("{'type':'function_call','id':'i','call_id':'c1','name':'f','arguments':'{}'},"
               "{'type':'function_call_output','call_id':'c1','output':'42'}"),
         "assistant\n  call says='{}' id='c1' name='f' of={'type':'function_call','id':'i',"
         "'call_id':'c1','name':'f','arguments':'{}'}\ntool\n  result says='42' id='c1'"},
        {INPUT(
             "{'type':'custom_tool_call','call_id':'c2','name':'g','input':'free'},"
             "{'type':'custom_tool_call_output','call_id':'c2','output':[{'type':'input_text',"
             "'text':'a'},{'type':'input_image','file_id':'f'},{'type':'input_text','text':'b'}]}"),
         "assistant\n  call says='free' id='c2' name='g' of={'type':'custom_tool_call',"
         "'call_id':'c2','name':'g','input':'free'}\n"
         "tool\n  result says='a' id='c2' of={'type':'input_text','text':'a'}\n"
         "  image says='f' id='c2' of={'type':'input_image','file_id':'f'}\n"
         "  result says='b' id='c2' of={'type':'input_text','text':'b'}"},
        {INPUT("{'type':'function_call_output','call_id':'c','name':'f','output':[]},"
               "{'type':'function_call_output','call_id':'c','output':null},"
               "{'type':'function_call_output','call_id':'c','output':7},"
               "{'type':'function_call_output','call_id':'c'}"),
         "tool\n  result id='c' name='f' of=[]\ntool\n  result id='c' of=null\n"
         "tool\n  opaque id='c' of=7\n"
         "tool\n  opaque of={'type':'function_call_output','call_id':'c'}"},
        {INPUT("{'type':'function_call','call_id':7,'name':'f','arguments':{}},"
               "{'type':'function_call','arguments':'{}'},"
               "{'type':'custom_tool_call','name':'g','arguments':'{}'}"),
         "assistant\n  opaque of={'type':'function_call','call_id':7,'name':'f','arguments':{}}\n"
         "assistant\n  opaque of={'type':'function_call','arguments':'{}'}\n"
         "assistant\n  call name='g' of={'type':'custom_tool_call','name':'g','arguments':'{}'}"},
    };
    check(rows, ARRAY_LEN(rows));
}

static void reads_reasoning(void **state) {
    (void)state;
    static const outline_row rows[] = {
        {INPUT("{'type':'reasoning','id':'r','summary':[{'type':'summary_text','text':'a'}],"
               "'encrypted_content':'sealed','content':[{'type':'reasoning_text','text':'b'}]}"),
         "assistant\n  reasoning says='a' id='r' of={'type':'summary_text','text':'a'}\n"
         "  reasoning id='r' signature='sealed' of='sealed'\n"
         "  reasoning says='b' id='r' of={'type':'reasoning_text','text':'b'}"},
        {INPUT("{'type':'reasoning','id':'r','summary':[],'encrypted_content':null}"),
         "assistant\n  reasoning id='r' of={'type':'reasoning','id':'r','summary':[],"
         "'encrypted_content':null}"},
        {INPUT("{'type':'reasoning','summary':'a','content':7,'encrypted_content':[1]}"),
         "assistant\n  opaque name='summary' of='a'\n  opaque name='content' of=7\n"
         "  opaque name='encrypted_content' of=[1]"},
        {INPUT("{'type':'reasoning','summary':['a',{'type':'new'}]}"),
         "assistant\n  opaque of='a'\n  opaque of={'type':'new'}"},
    };
    check(rows, ARRAY_LEN(rows));
}

static void other_items_are_opaque(void **state) {
    (void)state;
    static const outline_row rows[] = {
        {INPUT("{'type':'item_reference','id':'i'},{'id':'i'},{'type':'web_search_call','id':'w'},"
               "{'type':['message'],'role':'user'},'hi',7,null,[],{}"),
         "other\n  opaque of={'type':'item_reference','id':'i'}\nother\n  opaque of={'id':'i'}\n"
         "other\n  opaque of={'type':'web_search_call','id':'w'}\n"
         "other\n  opaque of={'type':['message'],'role':'user'}\n"
         "other\n  opaque of='hi'\nother\n  opaque of=7\nother\n  opaque of=null\n"
         "other\n  opaque of=[]\nother\n  opaque of={}"},
    };
    check(rows, ARRAY_LEN(rows));
}

static void knows_tools(void **state) {
    (void)state;
    static const outline_row rows[] = {
        {"{'tools':[{'type':'function','name':'f','description':'d','parameters':{'a':1},'strict':"
         "false},{'type':'custom','name':'g','format':{'type':'grammar'}},"
         "{'type':'web_search'},{'type':'namespace','name':'n','tools':[{'type':'function','name':"
         "'h'}]}]}",
         "tool function name='f' about='d' takes={'a':1} strict=false\n"
         "tool custom name='g' takes={'type':'grammar'}\n"
         "tool opaque of={'type':'web_search'}\n"
         "tool opaque of={'type':'namespace','name':'n','tools':[{'type':'function','name':'h'}]}"},
    };
    CHECK_ROWS(DIALECT_OPENAI_RESPONSES, LOOK_TOOLS, rows);
}

static void knows_parameters(void **state) {
    (void)state;
    static const outline_row rows[] = {
        {"{'model':'m','input':'x','max_output_tokens':1,'text':{'format':{}},'reasoning':{},"
         "'prompt':{'id':'p'},'previous_response_id':'r','conversation':'c','store':true,"
         "'max_tokens':2,'messages':[]}",
         "param model key='model' is='m'\n"
         "param max tokens key='max_output_tokens' is=1\n"
         "param format key='text' is={'format':{}}\n"
         "param effort key='reasoning' is={}\n"
         "param template key='prompt' is={'id':'p'}\n"
         "param state key='previous_response_id' is='r'\n"
         "param state key='conversation' is='c'\n"
         "param setting key='store' is=true\n"
         "param unknown key='max_tokens' is=2\n"
         "param unknown key='messages' is=[]"},
    };
    CHECK_ROWS(DIALECT_OPENAI_RESPONSES, LOOK_PARAMS, rows);
}

static void visits_every_text(void **state) {
    (void)state;
    static const outline_row rows[] = {
        {"{'prompt':{'id':'p','variables':{'city':'Rome','more':{'type':'input_text','text':'t'}}},"
         "'input':[{'type':'reasoning','summary':[{'type':'summary_text','text':'a'}],"
         "'encrypted_content':'sealed'},{'type':'function_call','call_id':'c','name':'f',"
         "'arguments':'b'},{'type':'mcp_call','id':'m','output':'c'}],'instructions':'d'}",
         " part='d' part='a' part='b' opaque='mcp_call' opaque='m' opaque='c'"
         " param='p' param='Rome' param='input_text' param='t'"},
    };
    CHECK_ROWS(DIALECT_OPENAI_RESPONSES, LOOK_TEXTS, rows);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_text),      cmocka_unit_test(instructions_come_first),
        cmocka_unit_test(reads_messages),    cmocka_unit_test(reads_calls_and_their_results),
        cmocka_unit_test(reads_reasoning),   cmocka_unit_test(other_items_are_opaque),
        cmocka_unit_test(knows_tools),       cmocka_unit_test(knows_parameters),
        cmocka_unit_test(visits_every_text),
    };
    return run_watched(tests);
}
